using System.Runtime.InteropServices;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>A system call failed. The message names the call, what it was done to, the errno, and what to do.</summary>
public sealed class ErrnoException : IOException
{
    /// <param name="call">The call with what it was applied to: <c>open(/dev/net/tun)</c>.</param>
    /// <param name="errno">Positive errno.</param>
    /// <param name="detail">What the kernel said beyond the number; empty when it said nothing.</param>
    public ErrnoException(string call, int errno, string detail = "")
        : base(Describe(call, errno, detail))
    {
        Call = call;
        Errno = errno;
    }

    public string Call { get; }

    public int Errno { get; }

    /// <summary>An exception for the errno that the last call on this thread left.</summary>
    internal static ErrnoException Last(string call) => new(call, Marshal.GetLastPInvokeError());

    private static string Describe(string call, int errno, string detail)
    {
        var name = NameOf(errno);
        var text = $"{call}: {Marshal.GetPInvokeErrorMessage(errno)} ({name})";
        if (detail.Length > 0)
            text += $": {detail}";
        var hint = HintFor(errno);
        return hint.Length > 0 ? $"{text}. {hint}" : text;
    }

    internal static string NameOf(int errno) => errno switch
    {
        EPERM => "EPERM",
        ENOENT => "ENOENT",
        ESRCH => "ESRCH",
        EINTR => "EINTR",
        EIO => "EIO",
        ENXIO => "ENXIO",
        EAGAIN => "EAGAIN",
        ENOMEM => "ENOMEM",
        EACCES => "EACCES",
        EBUSY => "EBUSY",
        EEXIST => "EEXIST",
        ENODEV => "ENODEV",
        EINVAL => "EINVAL",
        EMFILE => "EMFILE",
        ENOSPC => "ENOSPC",
        EROFS => "EROFS",
        ERANGE => "ERANGE",
        EPROTONOSUPPORT => "EPROTONOSUPPORT",
        EOPNOTSUPP => "EOPNOTSUPP",
        EAFNOSUPPORT => "EAFNOSUPPORT",
        EADDRINUSE => "EADDRINUSE",
        EADDRNOTAVAIL => "EADDRNOTAVAIL",
        ENETDOWN => "ENETDOWN",
        ENETUNREACH => "ENETUNREACH",
        ENOBUFS => "ENOBUFS",
        ETIMEDOUT => "ETIMEDOUT",
        EHOSTUNREACH => "EHOSTUNREACH",
        _ => $"errno {errno}",
    };

    private static string HintFor(int errno) => errno switch
    {
        EPERM or EACCES => "The agent needs CAP_NET_ADMIN and CAP_NET_RAW",
        EBUSY => "Another process holds it: find it and let it go first",
        EMFILE => "Raise the agent's limit of open files",
        EROFS => "/proc/sys is read-only here: run the agent with a writable one",
        EOPNOTSUPP or EPROTONOSUPPORT or EAFNOSUPPORT => "The kernel lacks this: load the module or use a newer kernel",
        ENOMEM or ENOBUFS => "The machine is short of kernel memory",
        _ => "",
    };
}
