using System.Text.Json.Serialization;

namespace Monolith.Agent.Vms;

[JsonConverter(typeof(JsonStringEnumConverter<VmPhase>))]
public enum VmPhase
{
    /// <summary>It has a disk and no process: never started, stopped on demand, or powered off by its guest.</summary>
    Stopped,

    /// <summary>QEMU is being started.</summary>
    Starting,

    /// <summary>QEMU runs and answers, or did so last.</summary>
    Running,

    /// <summary>QEMU ended though nobody had asked for it, or did not start.</summary>
    Crashed,

    /// <summary>QEMU waits for its guest, or for a stopped one's disk, which comes from another hypervisor.</summary>
    Incoming,

    /// <summary>It is stopped, and a QEMU without a machine sends its disk to another hypervisor.</summary>
    Outgoing,

    /// <summary>
    /// Its guest has left for another hypervisor, or may have: it is never started here but by
    /// <see cref="IVmDriver.ReclaimAsync"/>.
    /// </summary>
    Left,
}

/// <summary>What is. Immutable.</summary>
/// <param name="Id">Which VM.</param>
/// <param name="Phase">Its phase.</param>
/// <param name="Pid">QEMU's process id while there is one.</param>
/// <param name="Since">When the phase began, UTC.</param>
/// <param name="Cause">Why it is in this phase, for people; empty when there is nothing to say.</param>
/// <param name="Generation">The generation that was acted on last.</param>
/// <param name="NeedsRestart">A newer plan differs in what QEMU can only learn at its start.</param>
/// <param name="Migration">The last migration of this run, to or from here; null when there was none.</param>
/// <param name="Snapshot">The copy of its disk that is here or being made; null when there is none.</param>
/// <param name="Cards">The network cards of the guest that runs, as <see cref="VmPlan.Cards"/> tells them; null: not known.</param>
public sealed record VmObservation(
    VmId Id, VmPhase Phase, int? Pid, DateTimeOffset Since, string Cause, long Generation, bool NeedsRestart,
    VmMigration? Migration = null, VmSnapshot? Snapshot = null, string? Cards = null);

public enum VmEventKind
{
    Started,
    GuestShutdown,
    GuestReset,
    GuestPanicked,
    Stopped,
    Crashed,
    Removed,

    /// <summary>A migration entered another phase, or came further.</summary>
    Migrated,

    /// <summary>A copy of its disk came further.</summary>
    Copied,

    /// <summary>Its network cards are others.</summary>
    Plugged,
}

/// <summary>Something happened to a VM: observe it anew. Events may be dropped when nobody reads them.</summary>
public sealed record VmEvent(VmId Id, VmEventKind Kind, DateTimeOffset At, string Cause);

/// <summary>What this machine can do, proved and not assumed.</summary>
/// <param name="QemuVersion">For example <c>7.2.22</c>.</param>
/// <param name="Accelerator"><c>kvm</c> when a probe guest ran to its end on it, else <c>tcg</c>.</param>
/// <param name="AcceleratorCause">Why it is not KVM; empty when it is.</param>
/// <param name="MachineTypes">That QEMU emulates.</param>
/// <param name="CgroupVersion">1 or 2 when VMs get a control group of their own, 0 when not.</param>
/// <param name="CgroupCause">Why there is no control group; empty when there is.</param>
/// <param name="VmUser">The user that QEMU runs as; null: the agent's own.</param>
public sealed record VmCapabilities(
    string QemuVersion,
    string Accelerator,
    string AcceleratorCause,
    IReadOnlyList<string> MachineTypes,
    int CgroupVersion,
    string CgroupCause,
    string? VmUser)
{
    /// <summary>
    /// A guest's memory can be copied while it runs. QEMU before 9.0, when it emulates the processor, forgets some of what a
    /// guest writes meanwhile (its commit 03bfc2188f mended that): such a guest stands still while it is copied.
    /// </summary>
    public bool CopiesRunningGuests => Accelerator == "kvm"
        || (Version.TryParse(QemuVersion, out var version) && version.Major >= 9);
}

public enum VmFailure
{
    /// <summary>The plan breaks a rule; the same plan fails again.</summary>
    InvalidPlan,

    /// <summary>The image is not what it says, or larger than the disk.</summary>
    BadImage,

    /// <summary>The machine's disk is full.</summary>
    NoSpace,

    /// <summary>QEMU or qemu-img is missing.</summary>
    NotInstalled,

    /// <summary>QEMU ended or did not answer while it started.</summary>
    StartFailed,

    /// <summary>QEMU refused a command or did not answer.</summary>
    Unresponsive,

    /// <summary>More requests wait for this VM than its queue holds.</summary>
    Busy,

    /// <summary>There is no such VM here.</summary>
    NotFound,

    /// <summary>Its guest is on its way to another hypervisor, or there already.</summary>
    Migrating,

    /// <summary>It has to run for that.</summary>
    NotRunning,

    /// <summary>It runs without the device, or QEMU does not reach it.</summary>
    NoDevice,
}

/// <summary>An operation on a VM failed. The message says which step, why, and what to do next.</summary>
public sealed class VmException(VmFailure reason, string message, Exception? inner = null) : Exception(message, inner)
{
    public VmFailure Reason { get; } = reason;
}
