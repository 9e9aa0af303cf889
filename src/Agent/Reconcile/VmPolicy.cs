using Monolith.Agent.Sync;

namespace Monolith.Agent.Reconcile;

/// <summary>How vms are treated. Immutable.</summary>
public sealed record VmPolicy
{
    /// <summary>
    /// Runs of QEMU that may end by themselves within <see cref="CrashWindow"/> and are started again.
    /// </summary>
    public int CrashesAllowed { get; init; } = 3;

    public TimeSpan CrashWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long what nobody wants is left alone after a complete snapshot said so.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a guest may take to shut down before it is forced.</summary>
    public TimeSpan ShutdownDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a port may be missing before the status says so in as many words.</summary>
    public TimeSpan PortDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>When the desired vm names no ready_timeout.</summary>
    public TimeSpan ReadyTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Time of one probe of a guest that boots; it asks several times within.</summary>
    public TimeSpan ProbeTime { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Between probes of a guest that has not answered in its time.</summary>
    public TimeSpan SlowProbe { get; init; } = TimeSpan.FromSeconds(15);

    public TimeSpan RetryFirst { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan RetryCap { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often everything is looked at again without a reason.</summary>
    public TimeSpan ResyncEvery { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// QEMUs that are being started at once; further ones wait. A start ends long before the boot does.
    /// </summary>
    public int StartsAtOnce { get; init; } = 8;

    /// <summary>How often a vm is looked at that waits for its guest, or whose guest is on its way.</summary>
    public TimeSpan MigrationPoll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a guest stands at the switch for its routes to be withdrawn here. Then it goes on there, though the fabric
    /// may lead a part of its traffic here: that is better than to stand still.
    /// </summary>
    public TimeSpan WithdrawDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Within how long agents begin to fetch an image that is wanted ahead, each at a moment of its own: they ask the
    /// host from whom.</summary>
    public TimeSpan PrewarmSpread { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often is told how much of it is here.</summary>
    public TimeSpan PrewarmProgress { get; init; } = TimeSpan.FromSeconds(5);

    internal Backoff Retry => new(RetryFirst, RetryCap);
}
