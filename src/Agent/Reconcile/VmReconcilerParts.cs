using Microsoft.Extensions.Logging;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Reconcile;

/// <summary>What vms are reconciled with.</summary>
internal sealed record VmReconcilerParts(
    IVmDriver Driver,
    IImages Images,
    IPorts Ports,
    IGuestProbe Probe,
    VmPolicy Policy,
    string TapPrefix,
    string BootId,
    SemaphoreSlim Starts,
    TimeProvider Time,
    Random Dice,
    ILogger Log,
    Func<string?> ListenAddress);
