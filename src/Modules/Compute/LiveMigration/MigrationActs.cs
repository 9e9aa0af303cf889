using System.Security.Cryptography;
using System.Text.Json;
using Monolith.Agent.V1;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Placement;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.Servers;
using Monolith.Compute.Steps;
using Monolith.Compute.Vms;
using Monolith.Network.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using Microsoft.EntityFrameworkCore;
using State = Monolith.Compute.V1.Migration.Types.State;

namespace Monolith.Compute.LiveMigration;

/// <summary>
/// Does what <see cref="MigrationLifecycle"/> decides, one act at a time. Each reads anew what it changes, does nothing
/// where that is another migration's by now, and may be repeated.
/// </summary>
internal sealed class MigrationActs(Store<ComputeDb> store, IPorts ports, FleetView fleet, VmStreams streams)
{
    static readonly Call Self = Call.Of("compute/migrations");

    /// <summary>256 bits, in hexadecimal digits.</summary>
    public static string NewSecret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    public async Task<Outcome> DoAsync(ServerRow server, Next next, CancellationToken cancel)
    {
        switch (next)
        {
            case Next.PlaceIncoming:
                return await PlaceAsync(server, cancel);
            case Next.SharePorts share:
                await ports.ShareAsync(server.Uid, share.Hypervisor, cancel);
                await ChangeAsync(server, (row, _, _) =>
                    row.Migration = row.Migration! with { PortsAt = share.Hypervisor }, cancel);
                return Outcome.Again();
            case Next.SendGuest send:
                await ChangeAsync(server, (row, vms, _) => Send(row.Migration!, vms, send.To), cancel);
                return Outcome.Again();
            case Next.KeepGuest:
                await ChangeAsync(server, (_, vms, _) =>
                    Move(Of(vms, VmRole.Current), vm => vm.Outgoing = null), cancel);
                return Outcome.Again();
            case Next.Reclaim:
                await ChangeAsync(server, (_, vms, _) =>
                {
                    // Whoever is there by now may have the guest.
                    if (Of(vms, VmRole.Incoming) is null) Move(Of(vms, VmRole.Current), vm => vm.Reclaim = true);
                }, cancel);
                return Outcome.Again();
            case Next.DropIncoming:
                await ChangeAsync(server, (_, vms, now) =>
                    Of(vms, VmRole.Incoming)?.Want(VmPower.Absent, true, 0, now), cancel);
                return Outcome.Again();
            case Next.SwitchOver over:
                return await SwitchOverAsync(server, over.To, cancel);
            case Next.EndMigration end:
                await ChangeAsync(server, (row, vms, _) =>
                {
                    row.Migration = end.Migration with { Secret = "" };
                    Move(Of(vms, VmRole.Current), vm => (vm.Outgoing, vm.Reclaim) = (null, false));
                }, cancel);
                return Outcome.Again();
            case Next.RecordMigration record:
                await ChangeAsync(server, (row, _, _) => row.Migration = record.Migration, cancel);
                return Outcome.Again();
            default:
                throw new InvalidOperationException($"{next} is not an act of a migration");
        }
    }

    static VmRow? Of(IReadOnlyList<VmRow> vms, VmRole role) => vms.FirstOrDefault(v => v.Role == role);

    static void Move(VmRow? vm, Action<Vm> change)
    {
        if (vm is null) return;
        var move = vm.Moving();
        change(move);
        vm.WantMove(move);
    }

    static void Send(ServerMigration migration, IReadOnlyList<VmRow> vms, VmMigration to)
    {
        if (migration.State != State.Copying || Of(vms, VmRole.Incoming) is null) return;
        Move(Of(vms, VmRole.Current), vm => vm.Outgoing = new VmOutgoing
        {
            Migration = migration.Id,
            Secret = migration.Secret,
            Host = to.Host,
            MemoryPort = to.MemoryPort,
            DiskPort = to.DiskPort,
        });
    }

    /// <summary>
    /// Unless somebody changed the server since the decision, or its migration is over. Agents are told of their vms.
    /// </summary>
    async Task ChangeAsync(ServerRow server, Action<ServerRow, IReadOnlyList<VmRow>, DateTime> change,
        CancellationToken cancel)
    {
        var told = await store.WriteAsync(Self, async unit =>
        {
            var row = await ServerQueries.ByUid(unit.Db, server.Uid);
            if (row is null || row.Generation != server.Generation || !row.IsMigrating) return [];
            var vms = await VmQueries.AllOfServer(unit.Db, server.Uid);
            var before = vms.ConvertAll(v => v.Generation);
            change(row, vms, unit.Now);
            Keep(row, unit);
            return vms.Where((v, i) => v.Generation != before[i]).ToList();
        }, cancel);
        foreach (var vm in told) streams.Wake(vm.Hypervisor, vm.Uid);
    }

    /// <summary>
    /// Its steps are the server's as long as the migration is what was last asked for; whether the fabric has the routes
    /// is a step of the server's own life.
    /// </summary>
    static void Keep(ServerRow row, Unit<ComputeDb> unit)
    {
        if (row.Operation == "migrate")
            row.Steps = row.Migration!.Steps.Where(s => s.Type != StepNames.Announced)
                .Aggregate(row.Steps, (steps, step) => steps.With(step));
        row.Touch("", unit.Now);
        unit.Emit(Change.Updated, row);
    }

    async Task<Outcome> PlaceAsync(ServerRow server, CancellationToken cancel)
    {
        var migration = server.Migration!;
        var demand = await Companies.DemandOfAsync(store, server);
        var placement = await fleet.PlaceAsync(demand, FleetView.Attempts + 1, server.Name, server.Planned);
        var claimed = await ports.OfAsync(server.Uid, cancel);
        var candidates = migration.Target.Length > 0
            ? [migration.Target]
            : placement.Order.Select(c => c.Id).Where(id => id != migration.Source).ToList();
        var why = migration.Target.Length > 0 ? "" : placement.Explain();
        foreach (var candidate in candidates)
        {
            var (placed, vm, obstacle) = await ClaimAsync(server, candidate, demand, claimed, cancel);
            if (vm is not null) streams.Wake(candidate, vm.Uid);
            if (placed) return Outcome.Again();
            why = obstacle;
            fleet.Forget();
        }
        if (candidates.Count == 0)
            why = "No other hypervisor can take it: each is not connected, closed, of another zone or without enough room.";
        await ChangeAsync(server, (row, _, now) => row.Migration = row.Migration!
            .With(new Step(StepNames.Placed, StepStatus.False, "compute", migration.Start, now, PlacementResult.Reason, why))
            .Enter(State.Aborting, now, PlacementResult.Reason, why), cancel);
        return Outcome.Again();
    }

    /// <summary>The capacity and the vm are taken in one transaction, or not at all.</summary>
    Task<(bool Placed, VmRow? Vm, string Obstacle)> ClaimAsync(ServerRow server, string candidate, Demand demand,
        IReadOnlyList<PortFacts> claimed, CancellationToken cancel) => store.WriteAsync(Self, async unit =>
    {
        var row = await ServerQueries.ByUid(unit.Db, server.Uid);
        var vms = await VmQueries.AllOfServer(unit.Db, server.Uid);
        if (row is null || row.Generation != server.Generation || !row.IsMigrating || row.Migration!.Placed
            || Of(vms, VmRole.Current) is not { } current || vms.Count > 1) return (true, null, "");
        var (source, target) = ("hypervisors/" + current.Hypervisor, "hypervisors/" + candidate);
        var both = await unit.Db.Hypervisors.AsNoTracking().Where(h => h.Name == source || h.Name == target)
            .ToListAsync(cancel);
        if (Obstacle(both.Find(h => h.Name == source), both.Find(h => h.Name == target), demand,
                row.Migration.Stopped) is { } obstacle)
            return (false, null, obstacle);
        // Another of its group went first: it is decided again.
        if (!await Companies.ClaimAsync(unit.Db, demand.Company, cancel)) return (true, null, "");
        if (!await Room.TakeAsync(unit.Db, candidate, current.Vcpus, current.MemoryMib, current.DiskGib, cancel))
            return (false, null, $"{target} has not enough room for it.");
        var migration = row.Migration;
        var machine = Vm.Parser.ParseFrom(current.Plan).MachineUuid;
        var plan = VmWire.Plan(row, claimed, row.DnsName);
        plan.MachineUuid = machine.Length > 0 ? machine : current.Uid.ToString();
        var vm = new VmRow
        {
            ServerUid = row.Uid,
            ServerName = row.Name,
            Hypervisor = candidate,
            Vcpus = current.Vcpus,
            MemoryMib = current.MemoryMib,
            DiskGib = current.DiskGib,
            ImageSha256 = current.ImageSha256,
            Plan = Google.Protobuf.MessageExtensions.ToByteArray(plan),
            Move = Google.Protobuf.MessageExtensions.ToByteArray(new Vm
            {
                Incoming = new VmIncoming { Migration = migration.Id, Secret = migration.Secret },
            }),
            Power = migration.Stopped ? VmPower.Stopped : VmPower.Running,
            Restarts = current.Restarts,
            Incarnation = current.Incarnation,
            PowerTime = unit.Now,
            Role = VmRole.Incoming,
        };
        unit.Db.Vms.Add(vm);
        row.Planned = "";
        row.Migration = migration.With(new Step(StepNames.Placed, StepStatus.True, "compute", migration.Start, unit.Now))
            with
        {
            Target = candidate,
            Placed = true,
            StateTime = unit.Now,
        };
        Keep(row, unit);
        return (true, (VmRow?)vm, "");
    }, cancel);

    /// <summary>Why a server cannot go from the one to the other; null when it can.</summary>
    static string? Obstacle(HypervisorRow? source, HypervisorRow? target, Demand demand, bool stopped)
    {
        if (target is null) return "There is no such hypervisor.";
        if (!target.Up) return $"{target.Name} is not connected.";
        if (!target.IsOpen) return $"{target.Name} is closed for new servers.";
        if (demand.AvailabilityZone.Length > 0 && target.AvailabilityZone != demand.AvailabilityZone)
            return $"{target.Name} is in another availability zone than the server asks for.";
        var traits = TraitSet.Parse(target.Traits);
        if (!traits.HasAll(demand.Needs)) return $"{target.Name} is without a trait that the server's flavor needs.";
        if (traits.HasAny(demand.Avoids)) return $"{target.Name} has a trait that the server's flavor excludes.";
        if (demand.Company?.Admits(target.Id, target.Labels) == false)
            return $"{target.Name} is ruled out by the server's group.";
        // Its next start is a start as any other, on whatever machine.
        if (stopped) return null;
        var (from, to) = (Capabilities(source), Capabilities(target));
        foreach (var (word, what) in Alike)
            if (from.GetValueOrDefault(word, "") is var a && to.GetValueOrDefault(word, "") is var b && a != b)
                return $"{target.Name} has {what} {b} and the source {a}: a running guest needs the same.";
        return null;
    }

    static readonly (string Word, string What)[] Alike = [("accel", "accelerator"), ("qemu", "QEMU"), ("cpu", "processor")];

    static Dictionary<string, string> Capabilities(HypervisorRow? row) => row is null
        ? []
        : JsonSerializer.Deserialize<Dictionary<string, string>>(row.Capabilities)!;

    /// <summary>The server is at the target from now on, and nothing of it may be left at the source.</summary>
    async Task<Outcome> SwitchOverAsync(ServerRow server, Guid to, CancellationToken cancel)
    {
        var told = await store.WriteAsync(Self, async unit =>
        {
            var row = await ServerQueries.ByUid(unit.Db, server.Uid);
            if (row is null || row.Deleting || !row.IsMigrating) return [];
            var vms = await VmQueries.AllOfServer(unit.Db, server.Uid);
            if (Of(vms, VmRole.Current) is not { } source || Of(vms, VmRole.Incoming) is not { } target
                || target.Uid != to) return [];
            // One after the other: there is never a second of its kind.
            await unit.Db.Vms.Where(v => v.Uid == source.Uid)
                .ExecuteUpdateAsync(v => v.SetProperty(x => x.Role, VmRole.Left), cancel);
            var sent = source.MigrationOf(row.Migration!.Id);
            source.Want(VmPower.Absent, true, source.Restarts, unit.Now);
            target.Role = VmRole.Current;
            target.WantMove(new Vm());
            row.Hypervisor = target.Hypervisor;
            var migration = row.Migration;
            foreach (var name in new[]
                { StepNames.TargetReady, StepNames.DiskCopied, StepNames.MemoryCopied, StepNames.SwitchedOver })
                if (!migration.Steps.IsTrue(name) && !(migration.Stopped && name == StepNames.MemoryCopied))
                    migration = migration.With(new Step(name, StepStatus.True, "agent " + target.Hypervisor,
                        migration.Steps.Find(name)?.Start ?? unit.Now, unit.Now));
            row.Migration = migration.Enter(State.Finishing, unit.Now) with
            {
                PortsAt = "",
                Done = sent?.BytesTotal ?? migration.Total,
                Total = sent?.BytesTotal ?? migration.Total,
                Downtime = sent?.Downtime?.ToTimeSpan() ?? migration.Downtime,
            };
            Keep(row, unit);
            return new List<VmRow> { source, target };
        }, cancel);
        foreach (var vm in told) streams.Wake(vm.Hypervisor, vm.Uid);
        return Outcome.Again();
    }
}
