using Monolith.Agent.Vms;
using Monolith.Compute.Servers;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Network.Addresses;
using Monolith.Network.Ports;
using Monolith.Simulation.Tests.Load;

namespace Monolith.Simulation.Tests.Promises;

/// <summary>
/// Promises 1, 2, 4 and 5 of a cloud that is left alone: every server has come to an end, and rows, machines, taps and
/// what clients were told agree exactly.
/// </summary>
internal static class Agreement
{
    /// <summary>What does not agree; empty when the promises are kept.</summary>
    /// <param name="known">What clients were told, by name of the server.</param>
    public static List<string> Differences(Facts facts, IReadOnlyList<NodeFacts> nodes,
        IReadOnlyDictionary<string, Known> known)
    {
        var found = new List<string>();
        Servers(facts, found);
        Clients(facts, known, found);
        Capacity(facts, found);
        Machines(facts, nodes, found);
        Holdings.Disks(facts, nodes, found);
        Holdings.Ledgers(facts, nodes, found);
        Ports(facts, nodes, found);
        Addresses(facts, found);
        Names(facts, found);
        Holdings.Usage(facts, found);
        return found;
    }

    /// <summary>Where everything is, for people.</summary>
    public static IEnumerable<string> Picture(Facts facts)
    {
        foreach (var s in facts.Servers)
            yield return $"{s.Name} {s.Uid} {s.Operation} {s.Power} restarts={s.Restarts} {s.State} "
                + $"on '{s.Hypervisor}' bound '{s.PortsBoundTo}' name '{s.DnsName}' "
                + $"since {s.OperationStart:HH:mm:ss.fff}: {Words(s)}";
        foreach (var v in facts.Vms)
            yield return $"  vm {v.Uid} of {v.ServerName} on {v.Hypervisor}: {v.Power} restarts={v.Restarts} "
                + $"generation={v.Generation}; reported {v.State} {v.ReportedGeneration} restarts={v.ReportedRestarts} "
                + $"answers={v.Answers} retrying={v.Retrying} {v.Reason} {v.Message}";
        foreach (var p in facts.Ports)
            yield return $"  {p.Name} of {p.Owner} at '{p.Hypervisor}' {p.State} {p.Addresses}";
    }

    static void Servers(Facts facts, List<string> found)
    {
        foreach (var server in facts.Servers)
        {
            if (server.Unsettled || server.State is not (Server.Types.State.Ready or Server.Types.State.Stopped
                or Server.Types.State.Failed))
                found.Add($"{server.Name} is {server.State}, {(server.Unsettled ? "un" : "")}settled: {Words(server)}");
            if (server.State == Server.Types.State.Failed
                && !server.Steps.Any(s => s.Status == StepStatus.False && s.Reason.Length > 0 && s.Message.Length > 0))
                found.Add($"{server.Name} failed without a cause: {Words(server)}");
        }
        foreach (var vm in facts.Vms)
            if (facts.Servers.All(s => s.Uid != vm.ServerUid))
                found.Add($"vm {vm.Uid} of {vm.ServerName} outlives it: {vm.Power} {vm.State} on {vm.Hypervisor}");
    }

    static void Clients(Facts facts, IReadOnlyDictionary<string, Known> known, List<string> found)
    {
        foreach (var (name, told) in known)
        {
            var row = facts.Servers.FirstOrDefault(s => s.Name == name);
            if (told.Deleted && row is not null) found.Add($"{name} was deleted and is there: {row.State}");
            if (told.Deleted) continue;
            if (row?.Uid.ToString() != told.Uid) found.Add($"{name} was made as {told.Uid} and is {row?.Uid}");
            else if (row.Power == Power.Stopped != told.Stopped)
                found.Add($"{name} is wanted to be {row.Power}, its client was told stopped={told.Stopped}");
        }
        foreach (var server in facts.Servers.Where(s => !known.ContainsKey(s.Name)))
            found.Add($"{server.Name} is there and its client does not know of it");
    }

    static void Capacity(Facts facts, List<string> found)
    {
        foreach (var hypervisor in facts.Hypervisors)
        {
            var vms = facts.Vms.Where(v => v.Hypervisor == hypervisor.Id).ToList();
            var used = (hypervisor.UsedVcpus, hypervisor.UsedMemoryMib, hypervisor.UsedDiskGib, hypervisor.ServerCount);
            var recount = (vms.Sum(v => v.Vcpus), vms.Sum(v => (long)v.MemoryMib), vms.Sum(v => (long)v.DiskGib),
                vms.Count);
            if (used != recount) found.Add($"{hypervisor.Name} has {used} in use, but its vms have {recount}");
            if (!hypervisor.Up) found.Add($"{hypervisor.Name} counts as down");
        }
    }

    static void Machines(Facts facts, IReadOnlyList<NodeFacts> nodes, List<string> found)
    {
        foreach (var node in nodes)
        {
            var vms = facts.Vms.Where(v => v.Hypervisor == node.Name).ToDictionary(v => v.Uid.ToString());
            foreach (var (id, machine) in node.Machines.Where(m => !vms.ContainsKey(m.Key)))
                found.Add($"{node.Name} has the vm {id}, {machine.Phase}, that no row wants");
            foreach (var (id, vm) in vms)
            {
                var machine = node.Machines.GetValueOrDefault(id);
                var server = facts.Servers.FirstOrDefault(s => s.Uid == vm.ServerUid);
                if (server?.State == Server.Types.State.Ready && machine?.Phase != VmPhase.Running)
                    found.Add($"{server.Name} is READY, its vm {id} on {node.Name} is {machine?.Phase}");
                if (server?.State == Server.Types.State.Stopped && machine?.Phase is not (null or VmPhase.Stopped or VmPhase.Crashed))
                    found.Add($"{server.Name} is STOPPED, its vm {id} on {node.Name} is {machine.Phase}");
            }
        }
    }

    static void Ports(Facts facts, IReadOnlyList<NodeFacts> nodes, List<string> found)
    {
        var servers = facts.Servers.ToDictionary(s => s.Uid);
        foreach (var port in facts.Ports)
        {
            if (port.OwnerUid is not { } owner || !servers.TryGetValue(owner, out var server))
                found.Add($"{port.Name} belongs to {port.Owner}, which is not there");
            else if (port.Node.Length > 0 && !facts.Vms.Any(v => v.ServerUid == owner && v.Hypervisor == port.Node))
                found.Add($"{port.Name} is bound to {port.Node}, where its owner has no vm: {server.State}");
            else if (port.Owner != server.Name) found.Add($"{port.Name} names {port.Owner}, but is {server.Name}'s");
        }
        foreach (var server in facts.Servers)
        {
            var ports = facts.Ports.Where(p => p.OwnerUid == server.Uid).ToList();
            if (ports.Count > server.Detail.Networks.Count) found.Add($"{server.Name} has {ports.Count} ports");
            if (facts.Vms.FirstOrDefault(v => v.ServerUid == server.Uid) is not { } vm) continue;
            var addresses = string.Join(',', ports.Select(p => string.Join(',', Network.Words.Load(p.Addresses))));
            if (server.Addresses != addresses)
                found.Add($"{server.Name} has {server.Addresses}, its ports {addresses}");
            foreach (var port in ports.Where(p => p.Node != vm.Hypervisor && server.PortsBoundTo == vm.Hypervisor))
                found.Add($"{port.Name} is bound to '{port.Hypervisor}', its vm is on {vm.Hypervisor}");
        }
        foreach (var node in nodes)
        {
            var bound = facts.Ports.Where(p => p.Node == node.Name).Select(p => p.Uid.ToString()).ToHashSet();
            var taps = node.Taps.ToHashSet();
            if (!bound.SetEquals(taps))
                found.Add($"{node.Name} has taps too many: {Join(taps.Except(bound))}, "
                    + $"too few: {Join(bound.Except(taps))}");
        }
    }

    static void Addresses(Facts facts, List<string> found)
    {
        foreach (var address in facts.Addresses.Where(a => facts.Ports.All(p => p.Uid != a.HolderUid)))
            found.Add($"{Ip.OfKey(address.Address)} is held by {address.HolderUid} of {address.Owner}, no port");
        foreach (var port in facts.Ports)
        {
            var held = facts.Addresses.Where(a => a.HolderUid == port.Uid).Select(a => Ip.OfKey(a.Address).ToString())
                .ToHashSet();
            if (!held.SetEquals(Network.Words.Load(port.Addresses)))
                found.Add($"{port.Name} has {port.Addresses}, and holds {Join(held)}");
        }
        foreach (var usage in facts.Usages)
            if (usage.Used != facts.Addresses.Count(a => a.PoolUid == usage.PoolUid))
                found.Add($"a pool counts {usage.Used} addresses and has {facts.Addresses.Count} held");
    }

    static void Names(Facts facts, List<string> found)
    {
        foreach (var record in facts.Records.Where(r => facts.Servers.All(s => s.Uid != r.OwnerUid)))
            found.Add($"{record.Name} belongs to {record.Owner}, which is not there");
        foreach (var server in facts.Servers)
        {
            var records = facts.Records.Where(r => r.OwnerUid == server.Uid).ToList();
            if (server.State != Server.Types.State.Ready) continue;
            if (!records.Any(r => r.Type == "A" && r.Values == server.Addresses))
                found.Add($"{server.Name} is READY at {server.Addresses}, its records are "
                    + Join(records.Select(r => r.Name + "=" + r.Values)));
            if (records.All(r => r.Type != "PTR"))
                found.Add($"{server.Name} is READY and has no reverse record");
        }
    }

    static string Words(ServerRow server) => string.Join("; ", server.Steps.Select(s =>
        $"{s.Type}={s.Status} {s.Reason} {s.Message} until {s.Deadline:HH:mm:ss.fff}"));

    static string Join(IEnumerable<string> words) => "[" + string.Join(" ", words) + "]";
}
