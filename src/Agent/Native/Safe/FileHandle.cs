using System.Runtime.InteropServices;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Monolith.Agent.Native.Raw;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>An open file descriptor.</summary>
internal sealed class FileHandle : SafeHandleMinusOneIsInvalid
{
    private FileHandle(int fd)
        : base(ownsHandle: true) => SetHandle(fd);

    public static FileHandle Open(string path, int flags)
    {
        var fd = Libc.open(path, flags | O_CLOEXEC);
        return fd >= 0 ? new FileHandle(fd) : throw ErrnoException.Last($"open({path})");
    }

    /// <summary>Makes a socket in the network namespace of the calling thread.</summary>
    public static FileHandle OpenSocket(int domain, int type, int protocol)
    {
        var fd = Libc.socket(domain, type | SOCK_CLOEXEC, protocol);
        return fd >= 0 ? new FileHandle(fd) : throw ErrnoException.Last($"socket({domain}, {type}, {protocol})");
    }

    public void Bind<TAddress>(TAddress address, string call)
        where TAddress : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<TAddress>(in address));
        if (Libc.bind(this, bytes, (uint)bytes.Length) < 0)
            throw ErrnoException.Last(call);
    }

    public void SetOption(int level, int name, int value)
    {
        var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value));
        if (Libc.setsockopt(this, level, name, bytes, sizeof(int)) < 0)
            throw ErrnoException.Last($"setsockopt({level}, {name})");
    }

    /// <summary>Sets how long a receive waits. Microseconds are kept, so that a short test can be short.</summary>
    public void SetReceiveTimeout(TimeSpan timeout)
    {
        ReadOnlySpan<long> timeval =
            [timeout.Ticks / TimeSpan.TicksPerSecond, timeout.Ticks % TimeSpan.TicksPerSecond / 10];
        var bytes = MemoryMarshal.AsBytes(timeval);
        if (Libc.setsockopt(this, SOL_SOCKET, SO_RCVTIMEO, bytes, (uint)bytes.Length) < 0)
            throw ErrnoException.Last("setsockopt(SO_RCVTIMEO)");
    }

    /// <summary>
    /// Gives the descriptor to a .NET socket, which then owns it and waits for it in the runtime's epoll.
    /// </summary>
    public Socket IntoSocket()
    {
        var owned = new SafeSocketHandle(handle, ownsHandle: true);
        SetHandleAsInvalid();
        return new Socket(owned);
    }

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
