using System.Net.Sockets;
using Tmds.Linux;

namespace Monolith.Agent.Native.Safe;

/// <summary>Descriptors that go over a Unix socket, unix(7).</summary>
internal static class SocketHandles
{
    /// <summary>Sends bytes, and with them a descriptor that the receiver has as well from then on.</summary>
    /// <exception cref="IOException">They were not sent, or not all of them.</exception>
    public static unsafe void Send(Socket socket, ReadOnlySpan<byte> bytes, FileHandle handle)
    {
        var control = stackalloc byte[LibC.CMSG_SPACE(sizeof(int))];
        fixed (byte* first = bytes)
        {
            var vector = new iovec { iov_base = first, iov_len = bytes.Length };
            var message = new msghdr
            {
                msg_iov = &vector,
                msg_iovlen = 1,
                msg_control = control,
                msg_controllen = LibC.CMSG_SPACE(sizeof(int)),
            };
            var header = LibC.CMSG_FIRSTHDR(&message);
            header->cmsg_level = LibC.SOL_SOCKET;
            header->cmsg_type = LibC.SCM_RIGHTS;
            header->cmsg_len = LibC.CMSG_LEN(sizeof(int));
            *(int*)LibC.CMSG_DATA(header) = (int)handle.DangerousGetHandle();
            var sent = (long)LibC.sendmsg((int)socket.Handle, &message, LibC.MSG_NOSIGNAL);
            GC.KeepAlive(handle);
            if (sent < 0) throw new ErrnoException("sendmsg(SCM_RIGHTS)", LibC.errno);
            if (sent != bytes.Length) throw new IOException($"sendmsg sent {sent} of {bytes.Length} bytes");
        }
    }
}
