using System.Runtime.InteropServices;

namespace Monolith.Agent.Native.Raw;

/// <summary>System calls by their libc names. Each sets errno; the callers turn it into an exception.</summary>
internal static partial class Libc
{
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint read(SafeHandle fd, Span<byte> buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint write(SafeHandle fd, ReadOnlySpan<byte> buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int bind(SafeHandle fd, ReadOnlySpan<byte> address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setsockopt(SafeHandle fd, int level, int name, ReadOnlySpan<byte> value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint send(SafeHandle fd, ReadOnlySpan<byte> buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint recv(SafeHandle fd, Span<byte> buffer, nuint length, int flags);

    /// <summary>ioctl whose argument is a number.</summary>
    [LibraryImport("libc", SetLastError = true)]
    internal static partial int ioctl(SafeHandle fd, nuint request, nint value);

    /// <summary>ioctl whose argument is a buffer that the kernel reads and writes.</summary>
    [LibraryImport("libc", SetLastError = true)]
    internal static partial int ioctl(SafeHandle fd, nuint request, Span<byte> value);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setns(SafeHandle fd, int type);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int unshare(int flags);
}

[CConstants("errno.h", "fcntl.h", "sched.h", "sys/socket.h", "net/if.h", "sys/time.h")]
internal static class LibcConstants
{
    public const int EPERM = 1, ENOENT = 2, EINTR = 4, EIO = 5, ENXIO = 6, EAGAIN = 11, ENOMEM = 12, EACCES = 13;
    public const int EBUSY = 16, EEXIST = 17, ENODEV = 19, EINVAL = 22, EMFILE = 24, ENOSPC = 28, EROFS = 30;
    public const int ERANGE = 34, EPROTONOSUPPORT = 93, EOPNOTSUPP = 95, EAFNOSUPPORT = 97, EADDRINUSE = 98;
    public const int EADDRNOTAVAIL = 99, ENETDOWN = 100, ENETUNREACH = 101, ENOBUFS = 105, ETIMEDOUT = 110;
    public const int ESRCH = 3, EHOSTUNREACH = 113;

    public const int O_RDONLY = 0, O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    public const int CLONE_NEWNET = 0x40000000;

    public const int AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16, AF_PACKET = 17;
    public const int SOCK_RAW = 3, SOCK_CLOEXEC = 0x80000, SOCK_NONBLOCK = 0x800;
    public const int SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_RCVBUF = 8, SO_RCVTIMEO = 20, SO_BINDTODEVICE = 25;
    public const int SO_RCVBUFFORCE = 33;
    public const int MSG_TRUNC = 0x20, MSG_PEEK = 2, MSG_DONTWAIT = 0x40;

    public const int IFF_UP = 1, IFF_RUNNING = 0x40;
    public const int IFNAMSIZ = 16;
}
