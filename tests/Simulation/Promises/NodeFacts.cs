using Monolith.Agent.Emulated;
using Monolith.Agent.Vms;

namespace Monolith.Simulation.Tests.Promises;

/// <summary>A vm on a machine, whether it runs or not: it has a disk. Immutable.</summary>
/// <param name="Image">SHA-256 of what its disk is based on, hexadecimal digits.</param>
/// <param name="HasCopy">There is a copy of its disk, or one is being made, or one failed and was not cleared.</param>
internal sealed record MachineFacts(VmPhase Phase, int DiskGib, string Image, bool HasCopy);

/// <summary>What a hypervisor holds, whoever knows of it. Immutable.</summary>
/// <param name="Machines">By id of the vm.</param>
/// <param name="Taps">Ids of the ports.</param>
/// <param name="Kept">What its agent keeps on its disk: ids, by ledger, <c>vms</c>, <c>ports</c> and <c>facts</c>.</param>
internal sealed record NodeFacts(string Name, IReadOnlyDictionary<string, MachineFacts> Machines,
    IReadOnlyList<string> Taps, IReadOnlyDictionary<string, IReadOnlyList<string>> Kept)
{
    public static readonly string[] Ledgers = ["vms", "ports", "facts"];

    /// <param name="keys">What is kept in a ledger.</param>
    public static NodeFacts Of(string name, EmulatedNode node, Func<string, IReadOnlyList<string>> keys)
    {
        var plans = node.Vms.Plans().ToDictionary(p => p.Id);
        // One that goes between the two looks has no disk any more.
        var machines = node.Vms.ObserveAsync(CancellationToken.None).Result.Where(m => plans.ContainsKey(m.Id));
        return new NodeFacts(name,
            machines.ToDictionary(m => m.Id.Value, m => new MachineFacts(m.Phase, plans[m.Id].DiskGib,
                plans[m.Id].Image.Hex, m.Snapshot is not null)),
            [.. node.DataPlane.ObserveAsync(CancellationToken.None).Result.Select(t => t.PortId)],
            Ledgers.ToDictionary(ledger => ledger, keys));
    }

    public static IReadOnlyList<string> Keys(EmulatedDisk disk, string ledger)
    {
        using var open = disk.Open(ledger);
        return [.. open.Load().Select(r => r.Key)];
    }
}
