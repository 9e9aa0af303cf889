using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Placement;
using Monolith.Compute.Servers;
using Monolith.Compute.Vms;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute.LiveMigration;

/// <summary>Does what <see cref="Drain"/> decides: begins migrations, and tells how far it is.</summary>
internal sealed class Drainer(Store<ComputeDb> store, Departures departures, Reconciler<ServerName> servers, TimeProvider time)
{
    static readonly Call Self = Call.Of("compute/drains");
    static readonly TimeSpan Look = TimeSpan.FromSeconds(2);

    public async Task<Outcome> ReconcileAsync(string name, CancellationToken cancel)
    {
        var id = name["hypervisors/".Length..];
        var (row, there, halves) = await store.ReadAsync(async db => (
            await db.Hypervisors.FirstOrDefaultAsync(h => h.Name == name, cancel),
            await db.Vms.Where(v => v.Hypervisor == id && v.Role == VmRole.Current)
                .Join(db.Servers, v => v.ServerUid, s => s.Uid, (_, s) => s).ToListAsync(cancel),
            await db.Vms.CountAsync(v => v.Hypervisor == id && (v.Role == VmRole.Incoming || v.Role == VmRole.Left), cancel)));
        if (row is not { Draining: true }) return Outcome.Settled;
        var step = Drain.Next(id, there, halves, time.GetUtcNow().UtcDateTime);
        if (step.Go.Count > 0)
        {
            var plan = (await store.ReadAsync(db => departures.PlanAsync(db, [id], cancel)))!
                .ToDictionary(d => d.Resident.Server, d => d.Target ?? "", StringComparer.Ordinal);
            foreach (var server in step.Go)
                await BeginAsync(name, server.Uid, plan.GetValueOrDefault(server.Name, ""), cancel);
        }
        if (row.DrainLeft != step.Left || row.DrainMessage != step.Message) await TellAsync(name, step, cancel);
        return step.Left == 0 ? Outcome.Settled : Outcome.Again(Look);
    }

    /// <summary>Unless something else is to become of the server by now, or the drain was ended.</summary>
    async Task BeginAsync(string name, Guid uid, string planned, CancellationToken cancel)
    {
        var begun = await store.WriteAsync(Self, async unit =>
        {
            var row = await ServerQueries.ByUid(unit.Db, uid);
            if (row is null || "hypervisors/" + row.Hypervisor != name
                || !await unit.Db.Hypervisors.AnyAsync(h => h.Name == name && h.Draining, cancel)) return null;
            try
            {
                await MigrationRules.RequireAsync(unit.Db, row, "");
            }
            catch (Fault fault) when (fault.Code == Grpc.Core.StatusCode.FailedPrecondition)
            {
                return null;
            }
            MigrationRules.Begin(row, unit, "", planned);
            row.Touch("", unit.Now);
            unit.Emit(Change.Updated, row);
            return row.Name;
        }, cancel);
        if (begun is not null) servers.Wake(new(begun));
    }

    Task TellAsync(string name, DrainStep step, CancellationToken cancel) => store.WriteAsync(Self, async unit =>
    {
        var row = await unit.Db.Hypervisors.FirstOrDefaultAsync(h => h.Name == name && h.Draining, cancel);
        if (row is null) return;
        (row.DrainLeft, row.DrainMessage) = (step.Left, step.Message);
        row.Touch("", unit.Now);
        unit.Emit("hypervisor", Change.Updated, row.Name, "", row.ToProto());
    }, cancel);
}
