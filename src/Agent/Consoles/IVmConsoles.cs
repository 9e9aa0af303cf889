using Monolith.Agent.Vms;

namespace Monolith.Agent.Consoles;

/// <summary>
/// Consoles of the VMs of one hypervisor. Safe for concurrent use, by several viewers of one VM as well; fails with
/// <see cref="VmException"/> only.
/// </summary>
public interface IVmConsoles
{
    /// <summary>
    /// What the guest wrote to its serial port. A reader that is too slow for what is kept goes on with the oldest that
    /// is left.
    /// </summary>
    /// <param name="id">The VM; it need not run.</param>
    /// <param name="tailLines">Lines that come first; negative: all that is kept.</param>
    /// <param name="until">
    /// Reading ends when this has completed and nothing is left; a completed task reads what is there.
    /// </param>
    /// <param name="cancellation">Ends it at once.</param>
    /// <returns>Not empty, valid until the next is asked for, and no larger than a message may be.</returns>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadLogAsync(
        VmId id, int tailLines, Task until, CancellationToken cancellation);

    /// <summary>Connects to the serial port of a VM that runs, for writing: what it says is in its log.</summary>
    Task<ISerialLine> ConnectAsync(VmId id, CancellationToken cancellation);

    /// <summary>The screen of a VM that runs, as PNG.</summary>
    Task<byte[]> TakeScreenshotAsync(VmId id, CancellationToken cancellation);
}

/// <summary>One viewer's line to a serial port. Dispose of it to leave.</summary>
public interface ISerialLine : IAsyncDisposable
{
    /// <summary>Completes when the VM has ended, or the guest is no longer here.</summary>
    Task Closed { get; }

    /// <summary>Completes when it is on its way; waits while the guest does not read.</summary>
    /// <exception cref="IOException">The VM has ended.</exception>
    Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation);
}
