using Monolith.Compute.Steps;
using Monolith.Compute.Vms;
using Monolith.Dns.Contracts;
using Monolith.Network.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers.Ports;

/// <summary>Does what <see cref="PortChanges"/> decides, one idempotent act at a time.</summary>
internal sealed class PortActs(Store<ComputeDb> store, IPorts ports, INames names, VmStreams streams)
{
    static readonly Call Self = Call.Of("compute/ports");
    static readonly TimeSpan Again = TimeSpan.FromSeconds(2);

    /// <returns>Null: it is none of these.</returns>
    public Task<Outcome>? TryAsync(ServerRow server, VmRow? vm, Next next, CancellationToken cancel) => next switch
    {
        Next.ClaimPorts => ClaimAsync(server, vm!, cancel),
        Next.TellPorts => TellAsync(server, vm!, cancel),
        Next.EndPortChange end => EndAsync(server, end.Index, cancel),
        Next.GiveUpPort give => ChangeAsync(server, (row, now) =>
        {
            row.Detail = PortChoices.Drop(row.Detail, give.Index);
            var step = row.Steps.Find(StepNames.PortsPlugged);
            if (step is not null) row.Steps = row.Steps.With(step with { Status = StepStatus.False, Since = now });
        }, cancel),
        _ => null,
    };

    async Task<Outcome> ClaimAsync(ServerRow server, VmRow vm, CancellationToken cancel)
    {
        try
        {
            await ports.ClaimAsync(ServerReconciler.Claims(server), cancel, vm.Hypervisor);
        }
        catch (Fault fault)
        {
            return await NotYetAsync(server, "network", fault, cancel);
        }
        return Outcome.Again();
    }

    async Task<Outcome> TellAsync(ServerRow server, VmRow vm, CancellationToken cancel)
    {
        var claimed = await ports.OfAsync(server.Uid, cancel);
        var told = await store.WriteAsync(Self, async unit =>
        {
            var row = await ServerQueries.ByUid(unit.Db, server.Uid);
            if (row is null || row.Generation != server.Generation) return null;
            var current = await VmQueries.OfServer(unit.Db, server.Uid);
            if (current?.Uid != vm.Uid || current.Power == VmPower.Absent) return null;
            current.TellPorts(row.Detail, PortChanges.WantedOf(row.Detail, claimed));
            return current;
        }, cancel);
        if (told is not null) streams.Wake(told.Hypervisor, told.Uid);
        return Outcome.Again();
    }

    /// <summary>Others first, this module's row last: whatever is cut short is done once more.</summary>
    async Task<Outcome> EndAsync(ServerRow server, int index, CancellationToken cancel)
    {
        var goes = server.Detail.Placed().Single(p => p.Index == index).Phase == PortPhase.Detaching;
        var detail = goes ? PortChoices.Drop(server.Detail, index) : PortChoices.Enter(server.Detail, index, PortPhase.Attached);
        if (goes) await ports.ReleaseAsync(server.Uid, index, cancel);
        var attached = PortChanges.AttachedOf(detail, await ports.OfAsync(server.Uid, cancel));
        var order = detail.Placed().Select(p => p.Index).ToList();
        var addresses = attached.OrderBy(p => order.IndexOf(p.Index)).SelectMany(p => p.Addresses).ToList();
        if (server.DnsName.Length > 0)
        {
            try
            {
                await names.SetAsync(server.Name, server.Uid, server.DnsName, addresses, cancel);
            }
            catch (Fault fault)
            {
                return await NotYetAsync(server, "dns", fault, cancel);
            }
        }
        return await ChangeAsync(server, (row, now) =>
        {
            row.Detail = detail;
            if (attached.Count > 0) row.Addresses = string.Join(',', addresses);
            if (!detail.IsChanging() && (row.Steps.Find(StepNames.PortsPlugged) ?? PortChanges.Begun(row.OperationStart)) is { } step)
                row.Steps = row.Steps.With(step with
                {
                    Status = StepStatus.True,
                    Component = "network",
                    Since = now,
                    Reason = "",
                    Message = "",
                    Deadline = null,
                });
        }, cancel);
    }

    async Task<Outcome> NotYetAsync(ServerRow server, string component, Fault fault, CancellationToken cancel)
    {
        await ChangeAsync(server, (row, _) => row.Steps = row.Steps.With(
            (row.Steps.Find(StepNames.PortsPlugged) ?? PortChanges.Begun(row.OperationStart)) with
            {
                Component = component,
                Reason = fault.Reason,
                Message = fault.Message,
            }), cancel);
        return Outcome.Again(Again);
    }

    /// <summary>Unless somebody changed the server since the decision, or this changes nothing.</summary>
    Task<Outcome> ChangeAsync(ServerRow server, Action<ServerRow, DateTime> change, CancellationToken cancel) =>
        store.WriteAsync(Self, async unit =>
        {
            var row = await ServerQueries.ByUid(unit.Db, server.Uid);
            if (row is null || row.Generation != server.Generation) return Outcome.Again();
            var before = (row.Detail, row.Steps, row.Addresses);
            change(row, unit.Now);
            if ((row.Detail, row.Steps, row.Addresses) == before) return Outcome.Again(Again);
            row.Touch("", unit.Now);
            unit.Emit(Change.Updated, row);
            return Outcome.Again();
        }, cancel);
}
