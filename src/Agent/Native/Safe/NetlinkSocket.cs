using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Monolith.Agent.Native.Raw;
using static Monolith.Agent.Native.Raw.LibcConstants;
using static Monolith.Agent.Native.Raw.NetlinkConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// A request socket. Every request is acknowledged, and a refusal carries the kernel's own words
/// (NETLINK_EXT_ACK). For one thread at a time; it stays in the namespace in which it was made.
/// </summary>
internal sealed class NetlinkSocket : IDisposable
{
    /// <summary>The kernel answers a request in microseconds; five seconds without an answer is a fault.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private const int DumpAttempts = 10;

    private readonly FileHandle fd;
    private byte[] buffer = new byte[64 * 1024];
    private uint sequence;

    /// <param name="protocol">Of netlink(7); NETLINK_ROUTE.</param>
    /// <param name="strict">
    /// What a dump's header says is what it is about (NETLINK_GET_STRICT_CHK, Linux 4.20), and all of it must be valid.
    /// </param>
    public NetlinkSocket(int protocol = NETLINK_ROUTE, bool strict = false)
    {
        fd = Open(0, protocol);
        fd.SetReceiveTimeout(Deadline);
        fd.SetOption(SOL_NETLINK, NETLINK_EXT_ACK, 1);
        fd.SetOption(SOL_NETLINK, NETLINK_CAP_ACK, 1);
        if (strict)
            fd.SetOption(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    }

    /// <summary>
    /// A socket that hears multicast groups; the runtime waits for it. ENOBUFS means that messages were lost.
    /// </summary>
    public static System.Net.Sockets.Socket Multicast(uint groups)
    {
        var fd = Open(groups, NETLINK_ROUTE);
        fd.SetOption(SOL_SOCKET, SO_RCVBUF, 1024 * 1024);
        return fd.IntoSocket();
    }

    /// <summary>Sends and waits for the acknowledgement.</summary>
    /// <param name="call">What is done, for the error: <c>RTM_NEWROUTE 10.64.0.5/32 dev vt1</c>.</param>
    /// <param name="tolerated">Errno that counts as done, such as EEXIST where the thing is wanted anyway.</param>
    public void Request(NetlinkMessage message, string call, params ReadOnlySpan<int> tolerated)
    {
        Send(message, NLM_F_ACK, call);
        while (true)
        {
            foreach (var (header, start, length) in Split(Receive(call)))
            {
                if (header.nlmsg_seq != sequence || header.nlmsg_type != NLMSG_ERROR)
                    continue;
                var failure = ReadError(header, buffer.AsSpan(start, length), call);
                if (failure is not null && !tolerated.Contains(failure.Errno))
                    throw failure;
                return;
            }
        }
    }

    /// <summary>Asks for one object; null when the kernel answers with a tolerated errno.</summary>
    public byte[]? Get(NetlinkMessage message, string call, params ReadOnlySpan<int> tolerated)
    {
        Send(message, NLM_F_ACK, call);
        byte[]? found = null;
        while (true)
        {
            foreach (var (header, start, length) in Split(Receive(call)))
            {
                if (header.nlmsg_seq != sequence)
                    continue;
                if (header.nlmsg_type != NLMSG_ERROR)
                {
                    found = buffer.AsSpan(start, length).ToArray();
                    continue;
                }

                var failure = ReadError(header, buffer.AsSpan(start, length), call);
                return failure is null ? found : tolerated.Contains(failure.Errno) ? null : throw failure;
            }
        }
    }

    /// <summary>Dumps objects; a dump that the kernel marks as interrupted by a change is taken again.</summary>
    public List<byte[]> Dump(NetlinkMessage message, string call)
    {
        for (var attempt = 0; attempt < DumpAttempts; attempt++)
        {
            if (TryDump(message, call) is { } objects)
                return objects;
        }

        throw new IOException($"{call}: the table kept changing during {DumpAttempts} dumps; it is tried again later");
    }

    public void Dispose() => fd.Dispose();

    private List<byte[]>? TryDump(NetlinkMessage message, string call)
    {
        Send(message, NLM_F_DUMP, call);
        var objects = new List<byte[]>();
        var interrupted = false;
        while (true)
        {
            foreach (var (header, start, length) in Split(Receive(call)))
            {
                if (header.nlmsg_seq != sequence)
                    continue;
                interrupted |= (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
                if (header.nlmsg_type == NLMSG_DONE)
                    return interrupted ? null : objects;
                if (header.nlmsg_type == NLMSG_ERROR)
                    throw ReadError(header, buffer.AsSpan(start, length), call) ?? new ErrnoException(call, EIO);
                objects.Add(buffer.AsSpan(start, length).ToArray());
            }
        }
    }

    private void Send(NetlinkMessage message, ushort flags, string call)
    {
        var bytes = message.Finish(++sequence).ToArray();
        var all = (ushort)(message.Flags | flags);
        MemoryMarshal.Write(bytes.AsSpan((int)Marshal.OffsetOf<nlmsghdr>(nameof(nlmsghdr.nlmsg_flags))), in all);
        if (Libc.send(fd, bytes, (nuint)bytes.Length, 0) < 0)
            throw ErrnoException.Last(call);
    }

    private int Receive(string call)
    {
        while (true)
        {
            // The length is asked first, so that a big object is never cut.
            var need = Libc.recv(fd, buffer, 0, MSG_PEEK | MSG_TRUNC);
            if (need > buffer.Length)
                buffer = new byte[need];
            var received = need < 0 ? need : Libc.recv(fd, buffer, (nuint)buffer.Length, 0);
            if (received >= 0)
                return (int)received;
            var errno = Marshal.GetLastPInvokeError();
            if (errno != EINTR)
                throw new ErrnoException(call, errno == EAGAIN ? ETIMEDOUT : errno);
        }
    }

    private List<(nlmsghdr Header, int Start, int Length)> Split(int received)
    {
        var parts = new List<(nlmsghdr, int, int)>();
        var size = Unsafe.SizeOf<nlmsghdr>();
        for (var at = 0; at + size <= received;)
        {
            var header = MemoryMarshal.Read<nlmsghdr>(buffer.AsSpan(at));
            if (header.nlmsg_len < size || header.nlmsg_len > received - at)
                break;
            parts.Add((header, at + size, (int)header.nlmsg_len - size));
            at += NetlinkMessage.Align((int)header.nlmsg_len);
        }

        return parts;
    }

    private static ErrnoException? ReadError(nlmsghdr header, ReadOnlySpan<byte> body, string call)
    {
        var code = MemoryMarshal.TryRead<int>(body, out var value) ? value : -EIO;
        if (code == 0)
            return null;
        var detail = "";
        if ((header.nlmsg_flags & NLM_F_ACK_TLVS) != 0)
        {
            // The request's header follows the code; its payload does too unless the kernel capped it.
            var skip = sizeof(int) + Unsafe.SizeOf<nlmsghdr>();
            var words = body.Length > skip ? NetlinkAttributes.Find(body[skip..], NLMSGERR_ATTR_MSG) : default;
            detail = Encoding.UTF8.GetString(words.TrimEnd((byte)0));
        }

        return new ErrnoException(call, -code, detail);
    }

    private static FileHandle Open(uint groups, int protocol)
    {
        var fd = FileHandle.OpenSocket(AF_NETLINK, SOCK_RAW, protocol);
        fd.Bind(new sockaddr_nl { nl_family = AF_NETLINK, nl_groups = groups }, "bind(AF_NETLINK)");
        return fd;
    }
}
