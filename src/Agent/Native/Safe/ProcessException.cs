using System.Runtime.InteropServices;

namespace Monolith.Agent.Native.Safe;

/// <summary>A call around a process that the kernel refused, with the call's name and errno.</summary>
internal sealed class ProcessException(string call, int errno, string subject)
    : IOException($"{call} {subject}: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})")
{
    public string Call { get; } = call;

    public int Errno { get; } = errno;
}
