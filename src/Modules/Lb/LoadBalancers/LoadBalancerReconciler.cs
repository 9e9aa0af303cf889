using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Contracts;
using Monolith.Dns.Contracts;
using Monolith.Network.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Lb.LoadBalancers;

/// <summary>Does what <see cref="LoadBalancerLifecycle"/> decides, one act at a time; follows members' servers.</summary>
internal sealed class LoadBalancerReconciler(Store<LbDb> store, IVirtualAddresses addresses, INames names,
    IServers servers, BalancedProjects projects, LoadBalancerStreams streams, TimeProvider time)
{
    // Whether every load balancer is looked at, and not only those that are unsettled: wakes may be lost.
    const int FullEvery = 20;
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    static readonly Call Self = Call.Of("lb/loadBalancers");

    int rounds;

    public Task<IReadOnlyList<LoadBalancerId>> UnsettledAsync(CancellationToken cancel)
    {
        var all = rounds++ % FullEvery == 0;
        return store.ReadAsync<IReadOnlyList<LoadBalancerId>>(async db => (await db.LoadBalancers
            .Where(b => all || b.Unsettled).Select(b => b.Uid)
            .Concat(db.HeldAddresses.Where(h => !db.Statuses.Any(s => s.LoadBalancerUid == h.LoadBalancerUid))
                .Select(h => h.LoadBalancerUid)).ToListAsync(cancel))
            .ConvertAll(uid => new LoadBalancerId(uid)));
    }

    public async Task<Outcome> ReconcileAsync(Guid uid, CancellationToken cancel)
    {
        var row = await FindAsync(uid, cancel);
        if (row is null) return await LetGoAsync(uid, cancel);
        if (!row.Deleting && row.Servers.Length > 0 && await FollowAsync(row, cancel)) return Outcome.Again();
        var facts = await store.ReadAsync(db => db.SituationAsync(uid, time.GetUtcNow().UtcDateTime, cancel));
        switch (LoadBalancerLifecycle.Decide(row, facts))
        {
            case Next.ClaimAddress:
                return await TryAsync(row, LoadBalancerLifecycle.AddressClaimed, async () =>
                {
                    var address = await addresses.ClaimAsync(row.Project, row.Name, row.Uid, row.AddressPool, cancel);
                    await ChangeAsync(uid, (b, now) =>
                    {
                        b.Address = address;
                        b.Send(now);
                    }, cancel);
                    streams.Wake(uid);
                }, cancel);
            case Next.PublishName:
                return await TryAsync(row, LoadBalancerLifecycle.Named, async () =>
                {
                    var name = names.NameFor(row.Project, ResourceName.LastId(row.Name));
                    await names.SetAsync(row.Name, row.Uid, name, [row.Address], cancel);
                    await ChangeAsync(uid, (b, _) => b.DnsName = name, cancel);
                }, cancel);
            case Next.Record:
                await ChangeAsync(uid, (_, _) => { }, cancel);
                return Outcome.Again();
            case Next.Retire retire:
                await names.RemoveAsync(uid, cancel);
                if (!retire.Held) await addresses.ReleaseAsync(uid, cancel);
                await PurgeAsync(uid, retire.Held, cancel);
                // The last node may have let go while the row went.
                return retire.Held ? Outcome.Again() : Outcome.Settled;
            case Next.Wait wait:
                // Nodes of this process hear again; a repeat costs nothing where nothing changed.
                streams.Wake(uid);
                return Outcome.Again(wait.AtMost + TimeSpan.FromMilliseconds(10));
            default:
                return Outcome.Settled;
        }
    }

    Task<LoadBalancerRow?> FindAsync(Guid uid, CancellationToken cancel) =>
        store.ReadAsync(db => db.LoadBalancers.FirstOrDefaultAsync(b => b.Uid == uid, cancel));

    /// <summary>What cannot be done now is a fact with a cause, and is tried again.</summary>
    async Task<Outcome> TryAsync(LoadBalancerRow row, string step, Func<Task> act, CancellationToken cancel)
    {
        try
        {
            await act();
            return Outcome.Again();
        }
        catch (Fault fault)
        {
            await ChangeAsync(row.Uid, (b, _) => b.Failed(step, fault.Reason, fault.Message), cancel, clear: false);
            return Outcome.Again(Pause);
        }
    }

    /// <summary>Reads the members' servers again. True when that changed what nodes are sent.</summary>
    async Task<bool> FollowAsync(LoadBalancerRow row, CancellationToken cancel)
    {
        projects.Note(row.Project);
        var lines = new List<string>();
        foreach (var name in row.ServerList)
        {
            var server = await servers.FindAsync(name, cancel);
            lines.Add($"{name}\t{(server is { Addresses.Count: > 0 } ? server.Addresses[0] : "")}\n");
        }
        var targets = string.Concat(lines);
        if (targets == row.Targets) return false;
        await ChangeAsync(row.Uid, (b, now) =>
        {
            // An edit came in between: its own wake looks at its own servers.
            if (b.Servers != row.Servers || b.Targets == targets) return;
            b.Targets = targets;
            b.Send(now);
        }, cancel, clear: false);
        streams.Wake(row.Uid);
        return true;
    }

    /// <summary>One change, with the state and the conditions that follow from it; nothing is written when nothing
    /// changed.</summary>
    Task ChangeAsync(Guid uid, Action<LoadBalancerRow, DateTime> change, CancellationToken cancel, bool clear = true) =>
        store.WriteAsync(Self, async unit =>
        {
            var row = await unit.Db.LoadBalancers.FirstOrDefaultAsync(b => b.Uid == uid, cancel);
            if (row is null) return;
            if (clear) row.Failed("", "", "");
            change(row, unit.Now);
            var report = LoadBalancerLifecycle.ReportOf(row, await unit.Db.SituationAsync(uid, unit.Now, cancel));
            if (report.State != row.State || !report.Conditions.SequenceEqual(row.Conditions)) row.Take(report);
            row.Unsettled = LoadBalancerLifecycle.IsUnsettled(row.State);
            unit.Db.ChangeTracker.DetectChanges();
            if (unit.Db.Entry(row).State == EntityState.Unchanged) return;
            row.UpdateTime = unit.Now;
            await unit.EmitAsync(Change.Updated, row, cancel);
        }, cancel);

    /// <summary>Gives the address of a deleted load balancer back once no node holds it. Nobody is told of that load
    /// balancer any more, so that once is for ever.</summary>
    async Task<Outcome> LetGoAsync(Guid uid, CancellationToken cancel)
    {
        if (!await store.ReadAsync(db => db.HeldAddresses.AnyAsync(h => h.LoadBalancerUid == uid
            && !db.Statuses.Any(s => s.LoadBalancerUid == uid), cancel))) return Outcome.Settled;
        await addresses.ReleaseAsync(uid, cancel);
        await store.WriteAsync(Self, unit => unit.Db.HeldAddresses.Where(h => h.LoadBalancerUid == uid)
            .ExecuteDeleteAsync(cancel), cancel);
        return Outcome.Settled;
    }

    Task PurgeAsync(Guid uid, bool held, CancellationToken cancel) => store.WriteAsync(Self, async unit =>
    {
        var row = await unit.Db.LoadBalancers.FirstOrDefaultAsync(b => b.Uid == uid, cancel);
        if (row is null) return;
        if (held) unit.Db.HeldAddresses.Add(new HeldAddressRow { LoadBalancerUid = uid, Address = row.Address });
        unit.Db.LoadBalancers.Remove(row);
        unit.Emit("loadBalancer", Change.Deleted, row.Name, row.Project, row.ToProto([], []));
    }, cancel);
}
