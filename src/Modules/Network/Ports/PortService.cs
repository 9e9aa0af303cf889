using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.SecurityGroups;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Network.Ports;

internal sealed class PortService(Store<NetworkDb> store, PortNodes nodes, NetworkOptions options)
    : V1.PortService.PortServiceBase
{
    const string Pattern = "projects/*/ports/*";
    const long LeastRate = 64_000, MostRate = 400_000_000_000;

    static readonly string[] Changeable =
        ["labels", "security_groups", "addresses", "allowed_prefixes", "egress_bits_per_second", "ingress_bits_per_second"];

    static readonly FilterFields<PortRow> Filters = new FilterFields<PortRow>()
        .Text("name", p => p.Name)
        .Text("network", p => p.Network)
        .Text("addresses", p => p.Addresses)
        .Text("mac_address", p => p.MacAddress)
        .Text("security_groups", p => p.SecurityGroups)
        .Text("owner", p => p.Owner)
        .Text("hypervisor", p => p.Hypervisor)
        .Word("state", p => p.State)
        .Time("create_time", p => p.CreateTime)
        .Labels(p => p.Labels);

    public override async Task<Port> CreatePort(CreatePortRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        var project = ResourceName.Parse("projects/*", request.Parent, "parent", violations)?[0];
        violations.Id("port_id", request.PortId);
        if (violations.Require(request.Port is not null, "port", "is required"))
        {
            violations.Labels("port.labels", request.Port.Labels);
            ResourceName.Parse("projects/*/networks/*", request.Port.Network, "port.network", violations);
            CheckRates(request.Port, violations);
        }
        violations.ThrowIfAny();
        var wakes = new Wakes();
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var name = $"{request.Parent}/ports/{request.PortId}";
            if (await unit.Db.Ports.AnyAsync(p => p.Name == name)) throw Fault.AlreadyExists(name);
            var port = request.Port!;
            var wish = new PortWish(project!, name, port.Network, port.SecurityGroups, port.Addresses, request.PortId,
                Labels.Store(port.Labels))
            {
                AllowedPrefixes = [.. port.AllowedPrefixes.Distinct()],
                EgressRate = port.EgressBitsPerSecond,
                IngressRate = port.IngressBitsPerSecond,
            };
            var found = new Violations();
            var plan = await PortPlan.FindAsync(unit.Db, wish, PortFields.OfPort, found);
            found.ThrowIfAny();
            return (await PortMaking.MakeAsync(unit, plan!, wakes)).ToProto();
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return answer;
    }

    public override Task<Port> GetPort(GetPortRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db => (await db.Ports.FirstOrDefaultAsync(p => p.Name == request.Name)
            ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListPortsResponse> ListPorts(ListPortsRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var (found, sequence) = await store.SnapshotAsync(db => list.Of(db.Ports).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListPortsResponse
        {
            Ports = { rows.Select(p => p.ToProto()) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override async Task<Port> UpdatePort(UpdatePortRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Port is not null, "port", "is required");
        violations.ThrowIfAny();
        var port = request.Port!;
        ResourceName.Parse(Pattern, port.Name, "port.name", violations);
        var changed = Masks.Changed(request.UpdateMask, port, Changeable, violations);
        violations.Labels("port.labels", port.Labels);
        CheckRates(port, violations);
        violations.ThrowIfAny();
        var wakes = new Wakes();
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var row = await unit.Db.Ports.FirstOrDefaultAsync(p => p.Name == port.Name)
                ?? throw Fault.NotFound(port.Name);
            row.Touch(port.Etag, unit.Now);
            if (changed.Contains("labels")) row.Labels = Labels.Store(port.Labels);
            if (changed.Contains("security_groups")) await RegroupAsync(unit, row, port.SecurityGroups, wakes);
            if (await ChangeAsync(unit, row, port, changed, wakes))
            {
                row.SpecGeneration++;
                wakes.Port(row);
            }
            return PortMaking.Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return answer;
    }

    public override async Task<Empty> DeletePort(DeletePortRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        var wakes = new Wakes();
        await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var row = await unit.Db.Ports.FirstOrDefaultAsync(p => p.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            if (row.Owner.Length > 0)
                throw Fault.Precondition("PORT_OWNED", row.Name,
                    $"{row.Name} belongs to {row.Owner} and goes with it. Delete {row.Owner} instead.");
            await PortMaking.UnmakeAsync(unit, [row], options.Quarantine, wakes);
            return new Empty();
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return new Empty();
    }

    public override Task WatchPorts(WatchPortsRequest request, IServerStreamWriter<WatchPortsResponse> responseStream,
        ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        return watch.RunAsync("port",
            async db => (await watch.Of(db.Ports).ToListAsync()).ConvertAll(p => p.ToProto()),
            (change, port, token) => responseStream.WriteAsync(
                new WatchPortsResponse { Change = change, Port = port, ResumeToken = token },
                context.CancellationToken),
            context.CancellationToken);
    }

    /// <returns>Whether the hypervisor has to know.</returns>
    async Task<bool> ChangeAsync(Unit<NetworkDb> unit, PortRow row, Port port, IReadOnlySet<string> changed, Wakes wakes)
    {
        var before = (row.AllowedPrefixes, row.EgressRate, row.IngressRate);
        if (changed.Contains("allowed_prefixes"))
        {
            var violations = new Violations();
            await PortSources.CheckAsync(unit.Db, row.Project, port.AllowedPrefixes, violations);
            violations.ThrowIfAny();
            row.AllowedPrefixes = Words.Store(port.AllowedPrefixes.Distinct());
        }
        if (changed.Contains("egress_bits_per_second")) row.EgressRate = port.EgressBitsPerSecond;
        if (changed.Contains("ingress_bits_per_second")) row.IngressRate = port.IngressBitsPerSecond;
        var moved = changed.Contains("addresses")
            && await PortAddresses.ChangeAsync(unit, row, port.Addresses, options.Quarantine, wakes);
        return moved || before != (row.AllowedPrefixes, row.EgressRate, row.IngressRate);
    }

    static void CheckRates(Port port, Violations violations)
    {
        foreach (var (field, rate) in new[]
        {
            ("port.egress_bits_per_second", port.EgressBitsPerSecond), ("port.ingress_bits_per_second", port.IngressBitsPerSecond),
        })
            violations.Require(rate is 0 or (>= LeastRate and <= MostRate), field,
                $"must be {LeastRate:N0} to {MostRate:N0}, or 0 for no limit");
    }

    static async Task RegroupAsync(Unit<NetworkDb> unit, PortRow row, IReadOnlyList<string> wanted, Wakes wakes)
    {
        var names = wanted.Count > 0
            ? wanted
            : Words.Load(await unit.Db.Networks.Where(n => n.Name == row.Network).Select(n => n.SecurityGroups)
                .FirstAsync());
        var violations = new Violations();
        var groups = await SecurityGroupReferences.FindAsync(unit.Db, row.Project, names,
            i => $"port.security_groups[{i}]", violations);
        violations.ThrowIfAny();
        var before = await unit.Db.PortGroups.Where(g => g.PortUid == row.Uid).ToListAsync();
        var left = before.Where(b => groups.TrueForAll(g => g.Uid != b.GroupUid)).ToList();
        var joined = groups.Where(g => before.TrueForAll(b => b.GroupUid != g.Uid)).ToList();
        if (left.Count == 0 && joined.Count == 0) return;
        unit.Db.PortGroups.RemoveRange(left);
        unit.Db.PortGroups.AddRange(joined.Select(g => new PortGroupRow { PortUid = row.Uid, GroupUid = g.Uid }));
        row.SecurityGroups = Words.Store(groups.Select(g => g.Name).Order(StringComparer.Ordinal));
        row.SpecGeneration++;
        wakes.Left(row);
        await PortMaking.MembersChangedAsync(unit.Db,
            [.. left.Select(l => l.GroupUid), .. joined.Select(j => j.Uid)], wakes);
    }
}
