using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Placement;
using Monolith.Compute.Servers;
using Monolith.Compute.Vms;
using Monolith.Network.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using MigrationState = Monolith.Compute.V1.Migration.Types.State;

namespace Monolith.Compute.Evacuations;

/// <summary>
/// Gives up a hypervisor that was lost:
/// <code>
///   make sure that it is off ─▶ each vm is FENCED, its server begins anew without one ─▶ placed elsewhere by its own life
///        │ the agent connects: the end                └ for good: an agent that comes back removes it
/// </code>
/// </summary>
internal sealed class Evacuator(Store<ComputeDb> store, Departures departures, IPorts ports, VmStreams streams, Reconciler<ServerName> servers,
    IFence fence, TimeProvider time)
{
    static readonly Call Self = Call.Of("compute/evacuations");
    static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Retry = TimeSpan.FromSeconds(10);

    sealed record Resident(VmRow Vm, ServerRow? Server, VmRow? Incoming);

    /// <returns>Null: it is not evacuated.</returns>
    public async Task<Outcome?> ReconcileAsync(string name, CancellationToken cancel)
    {
        var row = await store.ReadAsync(db => db.Hypervisors.FirstOrDefaultAsync(h => h.Name == name, cancel));
        if (row is not { Evacuating: true }) return null;
        if (row.Up)
        {
            await ChangeAsync(name, h => EvacuationRules.End(h, "Its agent came back: what was not given up by then stays."), cancel);
            return Outcome.Settled;
        }
        if (row.FenceTime is not { } fenced) return await FenceAsync(row, cancel);
        var given = (await ResidentsAsync(row.Id, cancel)).FindAll(r => !EvacuationStep.Stays(r.Vm, r.Server)
            && EvacuationStep.MayGiveUp(r.Vm, r.Server, r.Incoming, fenced, time.GetUtcNow().UtcDateTime));
        var plan = given.Count > 0 ? await PlanAsync(cancel) : [];
        foreach (var resident in given)
            await GiveUpAsync(name, resident, plan.GetValueOrDefault(resident.Vm.ServerName, ""), cancel);
        var rest = await ResidentsAsync(row.Id, cancel);
        var staying = rest.FindAll(r => EvacuationStep.Stays(r.Vm, r.Server));
        var (over, message) = EvacuationStep.Progress(rest.Count - staying.Count, await AnewAsync(row.Id, cancel),
            staying.ConvertAll(r => r.Vm.ServerName));
        if (over) await ChangeAsync(name, h => EvacuationRules.End(h, message), cancel);
        else if (message != row.EvacuationMessage) await ChangeAsync(name, h => h.EvacuationMessage = message, cancel);
        return over ? Outcome.Settled : Outcome.Again(Look);
    }

    async Task<Outcome> FenceAsync(HypervisorRow row, CancellationToken cancel)
    {
        var why = await fence.TurnOffAsync(row, cancel);
        await ChangeAsync(row.Name, h =>
        {
            if (why is null) h.FenceTime ??= time.GetUtcNow().UtcDateTime;
            h.EvacuationMessage = why is null ? "" : $"It may still be on: {why} It is tried again.";
        }, cancel);
        return why is null ? Outcome.Again() : Outcome.Again(Retry);
    }

    /// <returns>The largest first: small ones fill what gaps they leave, while the other order strands large ones.</returns>
    Task<List<Resident>> ResidentsAsync(string id, CancellationToken cancel) => store.ReadAsync(async db =>
    {
        var vms = await db.Vms.Where(v => v.Hypervisor == id && v.Role != VmRole.Fenced)
            .OrderByDescending(v => v.MemoryMib).ThenByDescending(v => v.Vcpus).ThenBy(v => v.ServerName).ToListAsync(cancel);
        var uids = vms.ConvertAll(v => v.ServerUid);
        var rows = await db.Servers.Where(s => uids.Contains(s.Uid)).ToDictionaryAsync(s => s.Uid, cancel);
        var incoming = await db.Vms.Where(v => uids.Contains(v.ServerUid) && v.Role == VmRole.Incoming && v.Hypervisor != id)
            .ToDictionaryAsync(v => v.ServerUid, cancel);
        return vms.ConvertAll(v => new Resident(v, rows.GetValueOrDefault(v.ServerUid), incoming.GetValueOrDefault(v.ServerUid)));
    });

    /// <summary>Where each goes, by its server's name: a rack's hypervisors that are given up together are one plan.</summary>
    Task<Dictionary<string, string>> PlanAsync(CancellationToken cancel) => store.ReadAsync(async db =>
    {
        var leaving = await db.Hypervisors.Where(h => h.Evacuating).Select(h => h.Name.Substring("hypervisors/".Length))
            .ToListAsync(cancel);
        return (await departures.PlanAsync(db, leaving, cancel))!
            .ToDictionary(d => d.Resident.Server, d => d.Target ?? "", StringComparer.Ordinal);
    });

    /// <summary>Whose last word is still that they were given up.</summary>
    Task<List<ServerRow>> AnewAsync(string id, CancellationToken cancel) => store.ReadAsync(db =>
        db.Vms.Where(v => v.Hypervisor == id && v.Role == VmRole.Fenced)
            .Join(db.Servers.Where(s => !s.Deleting && s.Operation == ServerOperations.Evacuation), v => v.ServerUid, s => s.Uid,
                (_, s) => s)
            .Distinct().ToListAsync(cancel));

    /// <param name="planned">The hypervisor that its server goes to if there is room still.</param>
    async Task GiveUpAsync(string name, Resident resident, string planned, CancellationToken cancel)
    {
        // A deleted server's addresses were kept only because the machine might announce them.
        if (resident.Server is null && await IsLastAsync(resident.Vm, cancel))
        {
            await ports.UnbindAsync(resident.Vm.ServerUid, cancel);
            await ports.ReleaseAsync(resident.Vm.ServerUid, cancel);
        }
        var told = await store.WriteAsync(Self, async unit =>
        {
            // Held until the commit: an agent that connects meanwhile hears of it, or it does not happen.
            if (await unit.Db.Hypervisors.Where(h => h.Name == name && h.Evacuating && !h.Up && h.FenceTime != null)
                .ExecuteUpdateAsync(h => h.SetProperty(x => x.Evacuating, true), cancel) == 0) return [];
            var vm = await unit.Db.Vms.FirstOrDefaultAsync(v => v.Uid == resident.Vm.Uid, cancel);
            if (vm is null || vm.Role != resident.Vm.Role) return [];
            var server = await ServerQueries.ByUid(unit.Db, vm.ServerUid);
            if (server?.Generation != resident.Server?.Generation) return [];
            var vms = await VmQueries.AllOfServer(unit.Db, vm.ServerUid);
            var (role, told) = (vm.Role, new List<VmRow> { vm });
            vm.Role = VmRole.Fenced;
            vm.Want(VmPower.Absent, true, vm.Restarts, unit.Now);
            vm.WantMove(new Vm());
            if (role != VmRole.Current || server is null || server.Deleting) return told;
            if (vms.Find(v => v.Role == VmRole.Incoming) is { } incoming)
            {
                incoming.Want(VmPower.Absent, true, incoming.Restarts, unit.Now);
                told.Add(incoming);
            }
            if (server.IsMigrating)
                server.Migration = server.Migration!.Enter(MigrationState.Failed, unit.Now, "SOURCE_LOST",
                    "The hypervisor that it was to leave was lost, and given up.") with
                { Secret = "", PortsAt = "" };
            ServerOperations.Do(server, unit, ServerOperations.Evacuate);
            // What is to be made anew one day goes where there is room that day.
            server.Planned = server.Power == Power.Running ? planned : "";
            server.Touch("", unit.Now);
            unit.Emit(Change.Updated, server);
            return told;
        }, cancel);
        foreach (var vm in told) streams.Wake(vm.Hypervisor, vm.Uid);
        if (told.Count > 0) servers.Wake(new(resident.Vm.ServerName));
    }

    Task<bool> IsLastAsync(VmRow vm, CancellationToken cancel) => store.ReadAsync(async db =>
        !await db.Vms.AnyAsync(v => v.ServerUid == vm.ServerUid && v.Uid != vm.Uid && v.Role != VmRole.Fenced, cancel));

    /// <summary>While it is evacuated.</summary>
    Task ChangeAsync(string name, Action<HypervisorRow> change, CancellationToken cancel) => store.WriteAsync(Self, async unit =>
    {
        var row = await unit.Db.Hypervisors.FirstOrDefaultAsync(h => h.Name == name && h.Evacuating, cancel);
        if (row is null) return;
        change(row);
        row.Touch("", unit.Now);
        unit.Emit("hypervisor", Change.Updated, row.Name, "", row.ToProto());
    }, cancel);
}
