using System.Threading.Channels;
using Monolith.Agent.Images;

namespace Monolith.Agent.Vms;

public enum StopMode
{
    /// <summary>Press the power button and wait for the guest; force it when the deadline has passed.</summary>
    Graceful,

    /// <summary>Pull the plug, after QEMU's own buffers are flushed.</summary>
    Hard,
}

/// <summary>
/// VMs of one hypervisor. Every operation is idempotent, may be repeated after a crash in its middle, and fails with
/// <see cref="VmException"/> only. Cancelling a call stops the waiting, not the operation.
/// </summary>
public interface IVmDriver : IAsyncDisposable
{
    /// <summary>Proved once, when the driver opened.</summary>
    VmCapabilities Capabilities { get; }

    /// <summary>What happened. Bounded: the oldest are dropped when nobody reads, and observation tells all.</summary>
    ChannelReader<VmEvent> Events { get; }

    /// <summary>Makes the root disk as a copy-on-write layer over the image, or grows it.</summary>
    Task EnsureDiskAsync(VmPlan plan, string baseImagePath, CancellationToken cancellation);

    /// <summary>Starts the VM when it does not run. Completes when QEMU runs the guest.</summary>
    Task StartAsync(VmPlan plan, CancellationToken cancellation);

    /// <param name="id">A VM that is not here counts as stopped.</param>
    /// <param name="mode">A hard stop overtakes a graceful one that waits.</param>
    /// <param name="deadline">How long the guest may take before it is forced.</param>
    /// <param name="cancellation">Stops the waiting.</param>
    Task StopAsync(VmId id, StopMode mode, TimeSpan deadline, CancellationToken cancellation);

    /// <summary>Stops as <see cref="StopAsync"/>, then starts with this plan.</summary>
    Task RestartAsync(VmPlan plan, StopMode mode, TimeSpan deadline, CancellationToken cancellation);

    /// <summary>
    /// Gives a running guest the network cards of the plan, whose taps are there, and takes all others from it. Completes
    /// when the guest has let go of those. What else is new in the plan stays for the next start.
    /// </summary>
    Task PlugAsync(VmPlan plan, CancellationToken cancellation);

    /// <summary>
    /// Starts the VM, whose disk was ensured, without a guest: that comes from another hypervisor. Completes when it can
    /// be sent to; the observation's migration says where. A guest that has arrived counts as started. Of a stopped VM the
    /// disk comes alone: then it is stopped here.
    /// </summary>
    Task ReceiveAsync(VmPlan plan, VmIncoming incoming, CancellationToken cancellation);

    /// <summary>
    /// Begins to send a running guest, disk and memory, or a stopped VM's disk. Completes at once; the observation's
    /// migration tells the rest, which goes on across agents. At the switch the guest stands still until
    /// <see cref="LetGoAsync"/>. A migration that ended, well or not, is not begun again under its id.
    /// </summary>
    Task SendAsync(VmId id, VmOutgoing outgoing, CancellationToken cancellation);

    /// <summary>
    /// Lets a guest that is sent run at the target: nothing leads to it here any more. Before the switch it says so in
    /// advance; for a guest that is not sent it means nothing.
    /// </summary>
    Task LetGoAsync(VmId id, CancellationToken cancellation);

    /// <summary>
    /// Gives the sending up. Too late when the switch has begun: the observation tells how it went. What is not sent
    /// counts as given up.
    /// </summary>
    Task CancelSendAsync(VmId id, CancellationToken cancellation);

    /// <summary>
    /// Runs a guest here again that has left; what was sent stopped is stopped here again. Only when nothing is left of it
    /// elsewhere: the caller must know. Where its memory is lost, it boots from the disk that it left.
    /// </summary>
    Task ReclaimAsync(VmPlan plan, CancellationToken cancellation);

    /// <summary>
    /// Begins to copy the disk, as the guest sees it, into a qcow2 file that stands on no other. Completes at once; the
    /// observation's snapshot tells the rest, which goes on across agents, and while the VM is started and stopped. One
    /// that ended, well or not, is not begun again under its id; one of another id is dropped.
    /// </summary>
    Task SnapshotAsync(VmId id, string snapshot, CancellationToken cancellation);

    /// <summary>The file of a copy that is whole; null when it is not, or not here.</summary>
    Stream? OpenSnapshot(VmId id, string snapshot);

    /// <summary>Ends a copy and deletes all of it. None is as wanted.</summary>
    Task DropSnapshotAsync(VmId id, CancellationToken cancellation);

    /// <summary>Stops it hard and deletes all that it had here.</summary>
    Task RemoveAsync(VmId id, CancellationToken cancellation);

    /// <summary>Every VM that is here.</summary>
    Task<IReadOnlyList<VmObservation>> ObserveAsync(CancellationToken cancellation);

    /// <summary>Images that disks here stand on, or soon will.</summary>
    /// <exception cref="IOException">It is not known of every VM.</exception>
    IReadOnlySet<ImageDigest> ImagesInUse();
}
