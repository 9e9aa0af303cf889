using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Network.Ports;
using Monolith.Network.SecurityGroups;
using Monolith.Network.Translation;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network.Networks;

internal sealed class NetworkService(Store<NetworkDb> store, PortNodes nodes, NetworkOptions options) : V1.NetworkService.NetworkServiceBase
{
    const string Pattern = "projects/*/networks/*";

    static readonly FilterFields<NetworkRow> Filters = new FilterFields<NetworkRow>()
        .Text("name", n => n.Name)
        .Text("display_name", n => n.DisplayName)
        .Text("address_pools", n => n.AddressPools)
        .Text("security_groups", n => n.SecurityGroups)
        .Number("mtu", n => n.Mtu)
        .Time("create_time", n => n.CreateTime)
        .Labels(n => n.Labels);

    public override Task<V1.Network> CreateNetwork(CreateNetworkRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        var project = ResourceName.Parse("projects/*", request.Parent, "parent", violations)?[0];
        violations.Id("network_id", request.NetworkId);
        if (violations.Require(request.Network is not null, "network", "is required"))
        {
            NetworkRules.Check(request.Network, violations);
            NetworkRules.CheckPools(request.Network.AddressPools, violations);
        }
        violations.ThrowIfAny();
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = $"{request.Parent}/networks/{request.NetworkId}";
            if (await unit.Db.Networks.AnyAsync(n => n.Name == name)) throw Fault.AlreadyExists(name);
            var network = request.Network!;
            var found = new Violations();
            await NetworkRules.CheckPoolsAsync(unit.Db, project!, network.AddressPools, found);
            var first = !await unit.Db.Networks.AnyAsync(n => n.Project == project);
            if (first || network.SecurityGroups.Count == 0) await DefaultGroup.EnsureAsync(unit, project!);
            await NetworkRules.CheckGroupsAsync(unit.Db, project!, network.SecurityGroups, found);
            await NetworkRules.CheckNatPoolAsync(unit.Db, project!, network.NatAddressPool, found);
            found.ThrowIfAny();
            var row = new NetworkRow
            {
                Name = name,
                Project = project!,
                DisplayName = network.DisplayName,
                Labels = Labels.Store(network.Labels),
                AddressPools = Words.Store(network.AddressPools),
                Mtu = network.Mtu == 0 ? NetworkRules.DefaultMtu : network.Mtu,
                DnsServers = Words.Store(network.DnsServers),
                SecurityGroups = Groups(project!, network),
                NatAddressPool = network.NatAddressPool,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.Networks.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
    }

    public override Task<V1.Network> GetNetwork(GetNetworkRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db => (await db.Networks.FirstOrDefaultAsync(n => n.Name == request.Name)
            ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListNetworksResponse> ListNetworks(ListNetworksRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.Networks).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListNetworksResponse { Networks = { rows.Select(n => n.ToProto()) }, NextPageToken = next };
    }

    public override async Task<V1.Network> UpdateNetwork(UpdateNetworkRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Network is not null, "network", "is required");
        violations.ThrowIfAny();
        var network = request.Network!;
        ResourceName.Parse(Pattern, network.Name, "network.name", violations);
        var changed = Masks.Changed(request.UpdateMask, network, NetworkRules.Changeable, violations);
        NetworkRules.Check(network, violations);
        violations.ThrowIfAny();
        var wakes = new Wakes();
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            wakes.Clear();
            var row = await unit.Db.Networks.FirstOrDefaultAsync(n => n.Name == network.Name)
                ?? throw Fault.NotFound(network.Name);
            row.Touch(network.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = network.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(network.Labels);
            if (changed.Contains("mtu")) row.Mtu = network.Mtu == 0 ? NetworkRules.DefaultMtu : network.Mtu;
            if (changed.Contains("security_groups"))
            {
                var found = new Violations();
                if (network.SecurityGroups.Count == 0) await DefaultGroup.EnsureAsync(unit, row.Project);
                await NetworkRules.CheckGroupsAsync(unit.Db, row.Project, network.SecurityGroups, found);
                found.ThrowIfAny();
                row.SecurityGroups = Groups(row.Project, network);
            }
            if (changed.Contains("dns_servers") && row.DnsServers != Words.Store(network.DnsServers))
            {
                row.DnsServers = Words.Store(network.DnsServers);
                await PortSpecs.ChangedAsync(unit.Db.Ports.Where(p => p.Network == row.Name), wakes);
            }
            if (changed.Contains("nat_address_pool") && row.NatAddressPool != network.NatAddressPool)
            {
                var found = new Violations();
                await NetworkRules.CheckNatPoolAsync(unit.Db, row.Project, network.NatAddressPool, found);
                found.ThrowIfAny();
                var before = row.NatAddressPool;
                row.NatAddressPool = network.NatAddressPool;
                await NatGateways.ChangedAsync(unit, row, before, options.Quarantine, wakes);
            }
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        nodes.Wake(wakes);
        return answer;
    }

    public override Task<Empty> DeleteNetwork(DeleteNetworkRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Networks.FirstOrDefaultAsync(n => n.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            var ports = await unit.Db.Ports.CountAsync(p => p.Network == row.Name);
            if (ports > 0)
                throw Fault.Precondition("NETWORK_IN_USE", row.Name,
                    $"{row.Name} has {ports} ports. Delete the servers and ports in it first.");
            unit.Db.Networks.Remove(row);
            await NatGateways.RetireAsync(unit, row.NatAddressPool, row, options.Quarantine);
            if (!await unit.Db.Networks.AnyAsync(n => n.Project == row.Project && n.Uid != row.Uid))
                await DefaultGroup.RetireAsync(unit, row.Project);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
    }

    static string Groups(string project, V1.Network network) => Words.Store(network.SecurityGroups.Count > 0
        ? network.SecurityGroups
        : [DefaultGroup.Name(project)]);

    static V1.Network Emit(Unit<NetworkDb> unit, Change change, NetworkRow row)
    {
        var network = row.ToProto();
        unit.Emit("network", change, row.Name, row.Project, network);
        return network;
    }
}
