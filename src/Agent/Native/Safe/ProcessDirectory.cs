using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// An open directory through which sockets of a process are reached. A unix socket address holds 107 bytes
/// (unix(7)), a state path may be longer: /proc/self/fd/N/NAME is always short.
/// </summary>
internal sealed class ProcessDirectory : IDisposable
{
    private readonly SafeFileHandle handle;

    private ProcessDirectory(SafeFileHandle handle) => this.handle = handle;

    public static unsafe ProcessDirectory Open(string path)
    {
        int fd;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            fd = LibC.open(name, LibC.O_DIRECTORY | LibC.O_CLOEXEC | LibC.O_RDONLY);
        if (fd < 0) throw new ProcessException("open", LibC.errno, path);
        return new ProcessDirectory(new SafeFileHandle(fd, ownsHandle: true));
    }

    /// <summary>Makes names that were created or renamed in the directory survive a power loss.</summary>
    public static void Sync(string path)
    {
        using var directory = Open(path);
        if (LibC.fsync((int)directory.handle.DangerousGetHandle()) != 0)
            throw new ProcessException("fsync", LibC.errno, path);
    }

    public async Task<Socket> ConnectAsync(string socketName, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            var path = $"/proc/self/fd/{handle.DangerousGetHandle()}/{socketName}";
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => handle.Dispose();
}
