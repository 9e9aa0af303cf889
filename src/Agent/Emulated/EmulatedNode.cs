using System.Net;
using Monolith.Agent.Images;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Reconcile;
using Monolith.Agent.V1;

namespace Monolith.Agent.Emulated;

/// <summary>A hypervisor in memory: what stays when its agent goes. Under 1 MB with its VMs.</summary>
public sealed class EmulatedNode
{
    private readonly Dice dice;

    public EmulatedNode(Emulation emulation, TimeProvider time)
    {
        dice = new Dice(emulation, time);
        DataPlane = new EmulatedDataPlane();
        Vms = new EmulatedVms(emulation, DataPlane, time);
        Drivers = new HypervisorDrivers(
            Vms, DataPlane, new EmulatedProbe(dice, Vms, DataPlane),
            new EmulatedRoutes(emulation.Peers, a => DataPlane.FindTapOf(a) is not null), new EmulatedImages(dice));
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

/// <summary>Images that take their time once.</summary>
internal sealed class EmulatedImages(Dice dice) : IImages
{
    private readonly Lock gate = new();
    private readonly HashSet<string> here = new(StringComparer.Ordinal);

    public async Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (here.Contains(image.Sha256)) return image.Sha256;
        }

        await dice.WaitAsync(dice.Emulation.ImageLatency, cancellation);
        if (dice.Falls(dice.Emulation.ImageFailures))
            throw new ImageException(
                ImageFailure.FetchFailed, "emulated failure of the image's source; it is tried again");
        lock (gate) here.Add(image.Sha256);
        progress?.Report(image.SizeBytes);
        return image.Sha256;
    }

    /// <summary>Nothing is stored, so nothing is scarce.</summary>
    public void RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse)
    {
    }
}
