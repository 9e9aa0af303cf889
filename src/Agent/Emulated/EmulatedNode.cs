using System.Net;
using Grpc.Core;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Reconcile;
using Monolith.Agent.V1;

namespace Monolith.Agent.Emulated;

/// <summary>A hypervisor in memory: what stays when its agent goes. Under 1 MB with its VMs.</summary>
public sealed class EmulatedNode
{
    private readonly Dice dice;

    /// <param name="connect">To the host, to ask it where images are to be had from; null: it is not asked.</param>
    public EmulatedNode(Emulation emulation, TimeProvider time, Func<CallInvoker>? connect = null)
    {
        dice = new Dice(emulation, time);
        DataPlane = new EmulatedDataPlane();
        Vms = new EmulatedVms(emulation, DataPlane, time);
        Drivers = new HypervisorDrivers(
            Vms, DataPlane, new EmulatedProbe(dice, Vms, DataPlane),
            new EmulatedRoutes(emulation.Peers, a => DataPlane.FindTapOf(a) is not null), new EmulatedImages(dice, connect));
    }

    public EmulatedVms Vms { get; }

    public EmulatedDataPlane DataPlane { get; }

    /// <summary>For an <see cref="AgentProcess"/>; may be given to one after another.</summary>
    public HypervisorDrivers Drivers { get; }

    /// <summary>An inventory such as a machine of this size reports.</summary>
    public static Inventory Inventory(int cpus, int memoryMib, int diskGib, string availabilityZone) => new()
    {
        Cpus = cpus,
        MemoryMib = memoryMib,
        DiskGib = diskGib,
        Architecture = "x86_64",
        AvailabilityZone = availabilityZone,
        Capabilities = { ["accel"] = "emulated", ["qemu"] = "emulated", ["cgroup"] = "none" },
    };
}

/// <summary>A guest answers once it has booted.</summary>
internal sealed class EmulatedProbe(Dice dice, EmulatedVms vms, EmulatedDataPlane dataPlane) : IGuestProbe
{
    public Task<bool> AnswersArpAsync(
        string tapName, MacAddress mac, IPAddress address, TimeSpan timeout, CancellationToken cancellation) =>
        AnswersAsync(tapName, timeout, cancellation);

    public Task<bool> AcceptsTcpAsync(IPEndPoint endpoint, TimeSpan timeout, CancellationToken cancellation) =>
        dataPlane.FindTapOf(endpoint.Address) is { } tap
            ? AnswersAsync(tap, timeout, cancellation)
            : Task.FromResult(false);

    private async Task<bool> AnswersAsync(string tapName, TimeSpan timeout, CancellationToken cancellation)
    {
        if (vms.AnswersAt(tapName) is not { } at) return false;
        var left = at == DateTimeOffset.MaxValue ? timeout : at - dice.Now;
        await dice.WaitAsync(left < timeout ? left : timeout, cancellation);
        return vms.AnswersAt(tapName) <= dice.Now;
    }
}

/// <summary>Every address that the machine has is announced to every peer at once.</summary>
internal sealed class EmulatedRoutes(int peers, Func<IPAddress, bool> isRouted) : IRoutes
{
    public Task<int> CountPeersAsync(IReadOnlyCollection<IPAddress> addresses, CancellationToken cancellation) =>
        Task.FromResult(addresses.Count > 0 && addresses.All(isRouted) ? peers : 0);

    public Task WaitForChangeAsync(CancellationToken cancellation) => Task.Delay(Timeout.Infinite, cancellation);
}
