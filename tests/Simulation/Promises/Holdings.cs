using Monolith.Compute.V1;
using Monolith.Compute.Vms;

namespace Monolith.Simulation.Tests.Promises;

/// <summary>What is held: of a machine's disk, of its agent's, and of a project's quotas.</summary>
internal static class Holdings
{
    /// <summary>A disk for each vm, of its size and image, and no copy of it that nobody wants.</summary>
    public static void Disks(Facts facts, IReadOnlyList<NodeFacts> nodes, List<string> found)
    {
        foreach (var node in nodes)
            foreach (var vm in facts.Vms.Where(v => v.Hypervisor == node.Name))
            {
                var disk = node.Machines.GetValueOrDefault(vm.Uid.ToString());
                if (disk is { HasCopy: true } && vm.Snapshot is null)
                    found.Add($"{node.Name} has a copy of the disk of {vm.ServerName} that nobody wants");
                // What failed may have none yet, or still another.
                if (!facts.Servers.Any(s => s.Uid == vm.ServerUid
                    && s.State is Server.Types.State.Ready or Server.Types.State.Stopped)) continue;
                // And what was stopped before it was ever made has nothing on a disk.
                if (disk is null && facts.Servers.Any(s => s.Uid == vm.ServerUid && s.State == Server.Types.State.Stopped
                    && (s.DnsName.Length == 0 || vm.Incarnation > 0))) continue;
                if ((disk?.DiskGib, disk?.Image) != (vm.DiskGib, vm.ImageSha256))
                    found.Add($"{vm.ServerName} has {disk} on {node.Name} for a disk of {vm.DiskGib} GiB from {vm.ImageSha256}");
            }
        foreach (var copy in facts.Snapshots) found.Add($"a copy of the disk of {copy.ServerName} is being made");
    }

    /// <summary>What an agent will want when it starts again is what is wanted.</summary>
    public static void Ledgers(Facts facts, IReadOnlyList<NodeFacts> nodes, List<string> found)
    {
        foreach (var node in nodes)
        {
            var vms = facts.Vms.Where(v => v.Hypervisor == node.Name && v.Power != VmPower.Absent)
                .Select(v => v.Uid.ToString()).ToHashSet();
            Compare(node, "vms", vms, found);
            Compare(node, "ports",
                facts.Ports.Where(p => p.Node == node.Name).Select(p => p.Uid.ToString()).ToHashSet(), found);
            foreach (var fact in node.Kept["facts"].Except(vms))
                found.Add($"{node.Name}'s agent remembers the vm {fact}, which is no more");
        }
    }

    // What was removed stays noted until the next change, and sets of addresses go with the ports that use them.
    static void Compare(NodeFacts node, string ledger, HashSet<string> wanted, List<string> found)
    {
        var kept = node.Kept[ledger].Where(k => !k.Contains(':', StringComparison.Ordinal)).ToList();
        foreach (var id in kept.Except(wanted)) found.Add($"{node.Name}'s agent keeps {id} of {ledger}, which is no more");
        foreach (var id in wanted.Except(kept)) found.Add($"{node.Name}'s agent does not keep {id} of {ledger}");
    }

    /// <summary>What quotas say is used is what there is.</summary>
    public static void Usage(Facts facts, List<string> found)
    {
        foreach (var (project, usage) in facts.QuotaUsage)
        {
            var servers = facts.Servers.Where(s => s.Project == project).ToList();
            var images = facts.Images.Where(i => i.Project == project).ToList();
            (string Quota, long There)[] recount =
            [
                ("servers", servers.Count), ("vcpus", servers.Sum(s => (long)s.Vcpus)),
                ("memory_mib", servers.Sum(s => (long)s.MemoryMib)), ("disk_gib", servers.Sum(s => (long)s.DiskGib)),
                ("ports", facts.Ports.Count(p => p.Project == project)),
                ("addresses", facts.Addresses.Count(a => a.Project == project)),
                ("images", images.Count), ("image_bytes", images.Sum(i => i.SizeBytes)),
            ];
            foreach (var (quota, there) in recount)
                if (usage[quota] != there) found.Add($"{project} uses {usage[quota]} of {quota}, and has {there}");
        }
    }
}
