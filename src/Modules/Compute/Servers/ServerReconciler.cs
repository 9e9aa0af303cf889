using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Placement;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Dns.Contracts;
using Monolith.Network.Contracts;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

/// <summary>Does what <see cref="ServerLifecycle"/> decides, one act at a time.</summary>
internal sealed class ServerReconciler(Store<ComputeDb> store, IPorts ports, INames names, Presence presence,
    FleetView fleet, VmStreams streams, MigrationActs migrations, PortActs portActs, TimeProvider time)
{
    static readonly Call Self = Call.Of("compute/servers");

    public async Task<Outcome> ReconcileAsync(string name, CancellationToken cancel)
    {
        var read = await store.ReadAsync(db => ServerQueries.WithVm(db, name));
        if (read is null) return Outcome.Settled;
        var (server, vm) = (read.Server, read.Vm);
        IReadOnlyList<VmRow> others = server.Migration is null
            ? []
            : (await store.ReadAsync(db => VmQueries.AllOfServer(db, server.Uid))).FindAll(v => v.Uid != vm?.Uid);
        var needsPorts = server.Deleting ? vm is null : vm is { State: VmState.Running } || server.Detail.IsChanging();
        var facts = new Situation(vm, needsPorts ? await ports.OfAsync(server.Uid, cancel) : [],
            vm is not null && presence.IsUp(vm.Hypervisor), time.GetUtcNow().UtcDateTime)
        {
            Others = others,
            IsUp = presence.IsUp,
            Maintenance = vm is null || presence.IsUp(vm.Hypervisor) ? "" : await MaintenanceOfAsync(vm.Hypervisor),
        };
        var next = ServerLifecycle.Decide(server, facts);
        if (portActs.TryAsync(server, vm, next, cancel) is { } acting) return await acting;
        switch (next)
        {
            case Next.Place:
                return await PlaceAsync(server, cancel);
            case Next.BindPorts bind:
                await ports.BindAsync(server.Uid, bind.Hypervisor, cancel);
                var bound = await ChangeAsync(server, facts, s => s.PortsBoundTo = bind.Hypervisor, cancel);
                // Only now, so that the agent finds the ports when it hears of the vm.
                streams.Wake(bind.Hypervisor, vm!.Uid);
                return bound;
            case Next.WantVm want:
                await WantAsync(server, want.Power, cancel);
                return Outcome.Again();
            case Next.PublishName:
                return await PublishNameAsync(server, facts, cancel);
            case Next.Record:
                return await ChangeAsync(server, facts, null, cancel);
            case Next.RemoveName:
                await names.RemoveAsync(server.Uid, cancel);
                return await ChangeAsync(server, facts, s => s.DnsName = "", cancel);
            case Next.Expire:
                return await ExpireAsync(server, cancel);
            case Next.ReleasePorts:
                await ports.ReleaseAsync(server.Uid, cancel);
                return Outcome.Again();
            case Next.Purge:
                // Records of a name that was published, but whose note was lost to a crash or to the deletion itself.
                await names.RemoveAsync(server.Uid, cancel);
                await PurgeAsync(server, cancel);
                return Outcome.Settled;
            case Next.Wait wait:
                return Outcome.Again(wait.AtMost);
            case var migrating when server.IsMigrating && migrating is not Next.Nothing:
                return await migrations.DoAsync(server, migrating, cancel);
            default:
                return Outcome.Settled;
        }
    }

    /// <summary>Asked only of those that are away.</summary>
    Task<string> MaintenanceOfAsync(string hypervisor)
    {
        var name = "hypervisors/" + hypervisor;
        return store.ReadAsync(async db => await db.Hypervisors.Where(h => h.Name == name).Select(h => h.Maintenance)
            .FirstOrDefaultAsync() ?? "");
    }

    async Task<Outcome> PublishNameAsync(ServerRow server, Situation facts, CancellationToken cancel)
    {
        var dnsName = names.NameFor(server.Project, LastId(server.Name));
        try
        {
            await names.SetAsync(server.Name, server.Uid, dnsName, server.Addresses.Split(','), cancel);
        }
        catch (Fault fault)
        {
            return await NotYetAsync(server, StepNames.Named, "dns", fault.Reason, fault.Message, cancel,
                patience: ServerLifecycle.NameDeadline);
        }
        return await ChangeAsync(server, facts, s => s.DnsName = dnsName, cancel);
    }

    async Task<Outcome> PlaceAsync(ServerRow server, CancellationToken cancel)
    {
        var demand = await Companies.DemandOfAsync(store, server);
        var placement = await fleet.PlaceAsync(demand, FleetView.Attempts, server.Name, server.Planned);
        var first = placement.Order.Count > 0 ? placement.Order[0] : null;
        IReadOnlyList<PortFacts> claimed;
        try
        {
            // The ports go first, so that the agent finds them when it hears of the vm. Without a hypervisor they are
            // taken from where an earlier round, or a host that died since, had bound them.
            claimed = await ports.ClaimAsync(Claims(server), cancel, first?.Id ?? "");
        }
        catch (Fault fault)
        {
            return await NotYetAsync(server, StepNames.PortsClaimed, "network", fault.Reason, fault.Message, cancel);
        }
        var addresses = claimed.SelectMany(p => p.Addresses).ToList();
        foreach (var candidate in placement.Order)
        {
            if (candidate != first) await ports.BindAsync(server.Uid, candidate.Id, cancel);
            var (taken, vm) = await ClaimHypervisorAsync(server, candidate, demand.Company, claimed, addresses, cancel);
            if (vm is not null) streams.Wake(candidate.Id, vm.Uid);
            if (taken is not null) return taken;
            fleet.Forget();
        }
        if (first is not null) await ports.UnbindAsync(server.Uid, cancel);
        var message = placement.Order.Count == 0
            ? placement.Explain()
            : "Other servers were faster at every hypervisor that was tried; it is tried again.";
        return await NotYetAsync(server, StepNames.Placed, "compute", PlacementResult.Reason, message, cancel,
            addresses);
    }

    /// <summary>The capacity and the vm are taken in one transaction, or not at all.</summary>
    /// <returns>What that led to; null when the hypervisor has no room.</returns>
    Task<(Outcome? Taken, VmRow? Vm)> ClaimHypervisorAsync(ServerRow server, Candidate candidate, Company? company,
        IReadOnlyList<PortFacts> claimed, List<string> addresses, CancellationToken cancel) => store.WriteAsync(Self, async unit =>
    {
        var row = await ServerQueries.ByUid(unit.Db, server.Uid);
        if (row is null || row.Deleting || await VmQueries.OfServer(unit.Db, server.Uid) is not null)
            return (Outcome.Again(), null);
        // Another of its group went first: it may have to be elsewhere now.
        if (!await Companies.ClaimAsync(unit.Db, company, cancel)) return (Outcome.Again(), null);
        if (!await Room.TakeAsync(unit.Db, candidate.Id, row.Vcpus, row.MemoryMib, row.DiskGib, cancel)) return (null, null);
        var dnsName = names.NameFor(row.Project, LastId(row.Name));
        var vm = new VmRow
        {
            ServerUid = row.Uid,
            ServerName = row.Name,
            Hypervisor = candidate.Id,
            Vcpus = row.Vcpus,
            MemoryMib = row.MemoryMib,
            DiskGib = row.DiskGib,
            ImageSha256 = row.ImageSha256,
            RescueSha256 = row.RescueSha256,
            Plan = Google.Protobuf.MessageExtensions.ToByteArray(VmWire.Plan(row, claimed, dnsName)),
            Restarts = row.Restarts,
            Incarnation = row.Incarnation,
            PowerTime = unit.Now,
        };
        unit.Db.Vms.Add(vm);
        row.Hypervisor = row.PortsBoundTo = candidate.Id;
        row.Planned = "";
        row.Addresses = string.Join(',', addresses);
        // There is no other vm by now.
        if (row.Steps.Find(StepNames.VmRemoved) is { } removed)
            row.Steps = row.Steps.With(removed with
            {
                Status = StepStatus.True,
                Since = unit.Now,
                Reason = "",
                Message = "",
                Deadline = null,
            });
        row.Steps = row.Steps
            .With(new Step(StepNames.PortsClaimed, StepStatus.True, "network", row.OperationStart, unit.Now))
            .With(new Step(StepNames.Placed, StepStatus.True, "compute", row.OperationStart, unit.Now));
        row.Touch("", unit.Now);
        var (outcome, _) = Follow(row, new(vm, [], presence.IsUp(candidate.Id), unit.Now));
        unit.Emit(Change.Updated, row);
        return ((Outcome?)outcome, (VmRow?)vm);
    }, cancel);

    /// <param name="patience">From now until the step fails; default: what is left of placement's time.</param>
    async Task<Outcome> NotYetAsync(ServerRow server, string step, string component, string reason, string message,
        CancellationToken cancel, List<string>? addresses = null, TimeSpan? patience = null)
    {
        await store.WriteAsync(Self, async unit =>
        {
            var row = await ServerQueries.ByUid(unit.Db, server.Uid);
            if (row is null) return;
            var steps = row.Steps;
            if (addresses is not null)
            {
                row.Addresses = string.Join(',', addresses);
                steps = steps.With(new Step(StepNames.PortsClaimed, StepStatus.True, "network", row.OperationStart, unit.Now));
            }
            steps = steps.With(new Step(step, StepStatus.Pending, component,
                patience is null ? row.OperationStart : unit.Now, unit.Now, reason, message,
                patience is null ? row.OperationStart + ServerLifecycle.PlaceDeadline : unit.Now + patience));
            if (ReferenceEquals(steps, row.Steps)) return;
            row.Steps = steps;
            row.Touch("", unit.Now);
            unit.Emit(Change.Updated, row);
        }, cancel);
        return Outcome.Again(TimeSpan.FromSeconds(2));
    }

    async Task WantAsync(ServerRow server, VmPower power, CancellationToken cancel)
    {
        var vms = await store.WriteAsync(Self, async unit =>
        {
            var row = await ServerQueries.ByUid(unit.Db, server.Uid);
            var vms = await VmQueries.AllOfServer(unit.Db, server.Uid);
            // What a migration adds has no power of its own, but goes with the server.
            if (power != VmPower.Absent) vms.RemoveAll(v => v.Role != VmRole.Current);
            // An absent vm stays absent, whatever its server wants by now.
            foreach (var vm in vms.Where(v => row is not null && v.Power != VmPower.Absent))
                vm.Want(power, row!.Hard || power == VmPower.Absent, row.Restarts, unit.Now);
            return vms;
        }, cancel);
        foreach (var vm in vms) streams.Wake(vm.Hypervisor, vm.Uid);
    }

    /// <summary>Unless somebody took the deletion back meanwhile.</summary>
    Task<Outcome> ExpireAsync(ServerRow server, CancellationToken cancel) => store.WriteAsync(Self, async unit =>
    {
        var row = await ServerQueries.ByUid(unit.Db, server.Uid);
        if (row is null || row.Generation != server.Generation) return Outcome.Again();
        ServerOperations.Do(row, unit, ServerOperations.DeleteForGood);
        row.Touch("", unit.Now);
        unit.Emit(Change.Updated, row);
        return Outcome.Again();
    }, cancel);

    Task PurgeAsync(ServerRow server, CancellationToken cancel) => store.WriteAsync(Self, async unit =>
    {
        var row = await ServerQueries.ByUid(unit.Db, server.Uid);
        if (row is null) return;
        row.Steps = row.Steps.With(new Step(StepNames.VmRemoved, StepStatus.True, "compute", row.OperationStart, unit.Now));
        unit.Db.Operations.Add(OperationRow.Of(row));
        unit.Db.LoginCertificates.RemoveRange(await unit.Db.LoginCertificates.Where(c => c.ServerUid == row.Uid).ToListAsync(cancel));
        unit.Db.Servers.Remove(row);
        unit.Emit(Change.Deleted, row);
    }, cancel);

    /// <summary>
    /// Writes down what was done, and with it what follows from that, so that one act is one write. Unless somebody
    /// changed the server since the decision: then there is another decision.
    /// </summary>
    /// <param name="done">What was done; null: nothing but what is to be recorded.</param>
    Task<Outcome> ChangeAsync(ServerRow server, Situation facts, Action<ServerRow>? done, CancellationToken cancel) =>
        store.WriteAsync(Self, async unit =>
        {
            var row = await ServerQueries.ByUid(unit.Db, server.Uid);
            if (row is null || row.Generation != server.Generation) return Outcome.Again();
            done?.Invoke(row);
            row.Touch("", unit.Now);
            var (outcome, recorded) = Follow(row, facts with { Now = unit.Now });
            if (recorded) unit.Emit(Change.Updated, row);
            return outcome;
        }, cancel);

    /// <summary>Records what follows from what is known, and says when there is more to do.</summary>
    static (Outcome Outcome, bool Recorded) Follow(ServerRow row, Situation facts)
    {
        var next = ServerLifecycle.Decide(row, facts);
        var record = next as Next.Record;
        if (record is not null)
        {
            row.State = record.State;
            row.Steps = record.Steps;
            row.Unsettled = !record.Settled;
            if (record.State == Server.Types.State.Ready) row.ReadyTime ??= facts.Now;
            next = record.Settled ? new Next.Nothing() : ServerLifecycle.Decide(row, facts);
        }
        return (next switch
        {
            Next.Nothing => Outcome.Settled,
            // Whatever comes sooner wakes it.
            Next.Wait wait => Outcome.Again(wait.AtMost),
            _ => Outcome.Again(),
        }, record is not null);
    }

    public static IReadOnlyList<PortClaim> Claims(ServerRow server) =>
        [.. server.Detail.Wanted().Select(p => new PortClaim(server.Project, server.Name, server.Uid,
            p.Index, p.Choice.Network, p.Choice.SecurityGroups, p.Choice.Address, server.Hostname, server.AvailabilityZone))];

    static string LastId(string name) => Platform.Names.ResourceName.LastId(name);
}
