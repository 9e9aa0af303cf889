using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Network.Contracts;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;

namespace Monolith.Network.Ports;

/// <summary>Ports as their owners need them; each call is one unit.</summary>
internal sealed class OwnedPorts(Store<NetworkDb> store, PortNodes nodes, NetworkOptions options, TimeProvider time,
    Quotas quotas) : IPorts
{
    static Call Caller => Call.Of("network/ports");

    public Task<IReadOnlyList<FieldViolation>> CheckAsync(IReadOnlyList<PortClaim> claims,
        IReadOnlyList<string> fields, CancellationToken cancel) => store.ReadAsync<IReadOnlyList<FieldViolation>>(
        async db =>
        {
            var found = new List<FieldViolation>();
            var seen = new HashSet<Ip>();
            var now = time.GetUtcNow().UtcDateTime;
            for (var i = 0; i < claims.Count; i++)
            {
                var violations = new Violations();
                var at = PortFields.Below(fields[i]);
                var plan = await PortPlan.FindAsync(db, PortWish.Of(claims[i]), at, violations);
                foreach (var (address, pool) in plan?.Chosen ?? [])
                {
                    violations.Require(seen.Add(address), at.Address(0), $"{address} is chosen twice");
                    if (PortMaking.Problem(address, await AddressBook.CheckAsync(db, pool.Uid, address,
                        claims[i].Project, now))
                        is { } problem)
                        violations.Add(at.Address(0), problem);
                }
                found.AddRange(violations.Found);
            }
            return found;
        });

    public Task<IReadOnlyList<ExceededQuota>> ExceededAsync(IReadOnlyList<PortClaim> claims, CancellationToken cancel) =>
        quotas.ExceededAsync(claims[0].Project, async db =>
        {
            var addresses = 0;
            foreach (var claim in claims)
                if (await PortPlan.FindAsync(db, PortWish.Of(claim), PortFields.OfPort, new()) is { } plan)
                    addresses += plan.Families.Count();
            return (claims.Count, addresses);
        });

    public async Task<IReadOnlyList<PortFacts>> ClaimAsync(IReadOnlyList<PortClaim> claims, CancellationToken cancel,
        string hypervisor = "")
    {
        if (claims.Count == 0) return [];
        var wakes = new Wakes();
        var name = FullName(hypervisor);
        var facts = await store.WriteAsync(Caller, async unit =>
        {
            wakes.Clear();
            var before = new List<PortRow>();
            foreach (var owner in claims.Select(c => c.OwnerUid).Distinct())
                before.AddRange(await PortQueries.OfOwner(unit.Db, owner));
            var ports = new List<PortFacts>();
            for (var i = 0; i < claims.Count; i++)
            {
                var claim = claims[i];
                var row = before.Find(p => p.OwnerUid == claim.OwnerUid && p.OwnerIndex == claim.Index);
                if (row is null)
                {
                    var violations = new Violations();
                    var plan = await PortPlan.FindAsync(unit.Db, PortWish.Of(claim),
                        PortFields.Below($"networks[{claim.Index}]"), violations);
                    violations.ThrowIfAny();
                    row = await PortMaking.MakeAsync(unit, plan!, wakes, name);
                }
                else if (await PortMaking.BindAsync(unit, row, name, wakes)) Changed(unit, row);
                ports.Add(Facts(row));
            }
            return (IReadOnlyList<PortFacts>)ports;
        }, cancel);
        nodes.Wake(wakes);
        return facts;
    }

    public Task BindAsync(Guid ownerUid, string hypervisor, CancellationToken cancel)
    {
        var name = FullName(hypervisor);
        return ChangeAsync(ownerUid, (unit, port, wakes) => PortMaking.BindAsync(unit, port, name, wakes), cancel);
    }

    public Task ShareAsync(Guid ownerUid, string hypervisor, CancellationToken cancel)
    {
        var name = FullName(hypervisor);
        return ChangeAsync(ownerUid, (unit, port, wakes) => PortMaking.ShareAsync(unit, port, name, wakes), cancel);
    }

    static string FullName(string hypervisor) =>
        hypervisor.Length == 0 || hypervisor.StartsWith("hypervisors/", StringComparison.Ordinal)
            ? hypervisor
            : "hypervisors/" + hypervisor;

    public Task UnbindAsync(Guid ownerUid, CancellationToken cancel) => BindAsync(ownerUid, "", cancel);

    public Task ReleaseAsync(Guid ownerUid, CancellationToken cancel) => ReleaseAsync(ownerUid, _ => true, cancel);

    public Task ReleaseAsync(Guid ownerUid, int index, CancellationToken cancel) =>
        ReleaseAsync(ownerUid, port => port.OwnerIndex == index, cancel);

    async Task ReleaseAsync(Guid ownerUid, Predicate<PortRow> which, CancellationToken cancel)
    {
        var wakes = new Wakes();
        await store.WriteAsync(Caller, async unit =>
        {
            wakes.Clear();
            var ports = (await PortQueries.OfOwner(unit.Db, ownerUid)).FindAll(which);
            await PortMaking.UnmakeAsync(unit, ports, options.Quarantine, wakes);
        }, cancel);
        nodes.Wake(wakes);
    }

    public Task<IReadOnlyList<PortFacts>> OfAsync(Guid ownerUid, CancellationToken cancel) =>
        store.ReadAsync<IReadOnlyList<PortFacts>>(async db =>
            (await PortQueries.OfOwner(db, ownerUid)).ConvertAll(Facts));

    /// <param name="change">Changes one port; false when it is as it should be.</param>
    async Task ChangeAsync(Guid ownerUid, Func<Unit<NetworkDb>, PortRow, Wakes, Task<bool>> change, CancellationToken cancel)
    {
        var wakes = new Wakes();
        await store.WriteAsync(Caller, async unit =>
        {
            wakes.Clear();
            foreach (var port in await PortQueries.OfOwner(unit.Db, ownerUid))
                if (await change(unit, port, wakes)) Changed(unit, port);
        }, cancel);
        nodes.Wake(wakes);
    }

    static void Changed(Unit<NetworkDb> unit, PortRow port)
    {
        port.Touch("", unit.Now);
        PortMaking.Emit(unit, Change.Updated, port);
    }

    static PortFacts Facts(PortRow port) => new(port.Uid, port.Name, port.MacAddress, Words.Load(port.Addresses),
        port.Mtu, port.Network, port.State == Port.Types.State.Active,
        port.State == Port.Types.State.Failed
            ? string.Join(" ", port.Conditions.Where(c => c.Reason.Length > 0).Select(c => $"{c.Reason}: {c.Message}"))
            : null, port.OwnerIndex);
}
