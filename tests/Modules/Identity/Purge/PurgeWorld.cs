using Google.Protobuf.WellKnownTypes;
using Monolith.Compute.V1;
using Monolith.Dns.V1;
using Monolith.Identity.V1;
using Monolith.Image;
using Monolith.Image.Images;
using Monolith.Lb.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;
using AddressPoolService = Monolith.Network.AddressPools.AddressPoolService;
using AddressSetService = Monolith.Network.AddressSets.AddressSetService;
using FlavorService = Monolith.Compute.Flavors.FlavorService;
using FloatingAddressService = Monolith.Network.FloatingAddresses.FloatingAddressService;
using KeyPairService = Monolith.Compute.KeyPairs.KeyPairService;
using LoadBalancerService = Monolith.Lb.LoadBalancers.LoadBalancerService;
using NetworkService = Monolith.Network.Networks.NetworkService;
using PortService = Monolith.Network.Ports.PortService;
using QuotaService = Monolith.Identity.Quotas.QuotaService;
using RecordSetService = Monolith.Dns.RecordSets.RecordSetService;
using ReservationService = Monolith.Network.Reservations.ReservationService;
using SecurityGroupService = Monolith.Network.SecurityGroups.SecurityGroupService;
using ServerGroupService = Monolith.Compute.ServerGroups.ServerGroupService;
using ServerService = Monolith.Compute.Servers.ServerService;
using ZoneService = Monolith.Dns.Zones.ZoneService;

namespace Monolith.Modules.Tests.Identity.Purge;

/// <summary>Fills projects with some of each kind, hanging on one another in every way that there is.</summary>
internal sealed class PurgeWorld(PurgeHost host, Random random)
{
    const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    int prefixes;

    static FakeCall Admin => PurgeHost.Admin;

    /// <summary>What no project owns.</summary>
    public async Task PrepareAsync()
    {
        await host.Make<FlavorService>().CreateFlavor(new CreateFlavorRequest
        {
            FlavorId = "small",
            Flavor = new() { Vcpus = 1, MemoryMib = 256, DiskGib = 1 },
        }, Admin);
        await PoolAsync("servers", "10.64.0.0/16", AddressPool.Types.Purpose.Server);
        await PoolAsync("public", "203.0.113.0/24", AddressPool.Types.Purpose.Floating);
        await PoolAsync("virtual", "10.80.0.0/16", AddressPool.Types.Purpose.LoadBalancer);
    }

    /// <summary>Some of everything.</summary>
    public async Task FillAsync(string id)
    {
        var project = "projects/" + id;
        await NetworkingAsync(project);
        await ComputeAsync(project, id);
        foreach (var i in Few())
        {
            await host.Make<ZoneService>().CreateZone(new CreateZoneRequest
            {
                Parent = project,
                ZoneId = $"z{i}",
                Zone = new() { Domain = $"z{i}.{id}.example" },
            }, Admin);
            foreach (var r in Few())
                await host.Make<RecordSetService>().CreateRecordSet(new CreateRecordSetRequest
                {
                    Parent = $"{project}/zones/z{i}",
                    RecordSet = new() { Domain = $"r{r}.z{i}.{id}.example", Type = "A", Values = { "192.0.2.1" } },
                }, Admin);
        }
        foreach (var i in Few())
            await host.Make<LoadBalancerService>().CreateLoadBalancer(new CreateLoadBalancerRequest
            {
                Parent = project,
                LoadBalancerId = $"lb{i}",
                LoadBalancer = new(),
            }, Admin);
        await host.Make<QuotaService>().UpdateQuota(new UpdateQuotaRequest
        {
            Quota = new() { Name = project + "/quota", Limits = { ["servers"] = 100 } },
            UpdateMask = new() { Paths = { "limits.servers" } },
        }, Admin);
        if (random.Next(2) == 0) return;
        await PoolAsync($"own-{id}", $"10.{100 + ++prefixes}.0.0/24", AddressPool.Types.Purpose.Server, project);
        await host.Make<ReservationService>().CreateReservation(new CreateReservationRequest
        {
            Parent = "addressPools/servers",
            ReservationId = $"kept-{id}",
            Reservation = new() { Owner = project },
        }, Admin);
    }

    public Task AddKeyPairAsync(string project, string id) => host.Make<KeyPairService>().CreateKeyPair(new CreateKeyPairRequest
    {
        Parent = project,
        KeyPairId = id,
        KeyPair = new() { PublicKey = Key },
    }, Admin);

    /// <summary>Holds some of what is there.</summary>
    /// <returns>How many.</returns>
    public async Task<int> HoldAsync(string id)
    {
        var servers = await host.Make<ServerService>().ListServers(new() { Parent = "projects/" + id }, Admin);
        foreach (var server in servers.Servers)
            await ChangeAsync(random.Next(2) == 0
                ? new() { Name = server.Name, DeleteProtected = true }
                : new() { Name = server.Name, LockReason = "mine" });
        return servers.Servers.Count;
    }

    public async Task ReleaseAsync(string id)
    {
        foreach (var server in (await host.Make<ServerService>().ListServers(new() { Parent = "projects/" + id }, Admin)).Servers)
            await ChangeAsync(new() { Name = server.Name });
    }

    Task ChangeAsync(Server server) => host.Make<ServerService>().UpdateServer(new()
    {
        Server = server,
        UpdateMask = new FieldMask { Paths = { "delete_protected", "lock_reason" } },
    }, Admin);

    async Task NetworkingAsync(string project)
    {
        var (networks, groups) = (host.Make<NetworkService>(), host.Make<SecurityGroupService>());
        await networks.CreateNetwork(new CreateNetworkRequest
        {
            Parent = project,
            NetworkId = "default",
            Network = new() { AddressPools = { "addressPools/servers" } },
        }, Admin);
        await host.Make<AddressSetService>().CreateAddressSet(new CreateAddressSetRequest
        {
            Parent = project,
            AddressSetId = "offices",
            AddressSet = new() { Prefixes = { "198.51.100.0/24" } },
        }, Admin);
        var names = new[] { "a", "b", "c" };
        foreach (var name in names)
            await groups.CreateSecurityGroup(new CreateSecurityGroupRequest
            {
                Parent = project,
                SecurityGroupId = name,
                SecurityGroup = new(),
            }, Admin);
        // In a ring, and of a set.
        for (var i = 0; i < names.Length; i++)
            await groups.UpdateSecurityGroup(new UpdateSecurityGroupRequest
            {
                SecurityGroup = new()
                {
                    Name = $"{project}/securityGroups/{names[i]}",
                    Rules =
                    {
                        Rule(new() { RemoteGroup = $"{project}/securityGroups/{names[(i + 1) % names.Length]}" }),
                        Rule(new() { RemoteAddressSet = $"{project}/addressSets/offices" }),
                    },
                },
                UpdateMask = new() { Paths = { "rules" } },
            }, Admin);
        foreach (var i in Few())
        {
            await networks.CreateNetwork(new CreateNetworkRequest
            {
                Parent = project,
                NetworkId = $"n{i}",
                Network = new() { AddressPools = { "addressPools/servers" }, SecurityGroups = { $"{project}/securityGroups/a" } },
            }, Admin);
            await host.Make<PortService>().CreatePort(new CreatePortRequest
            {
                Parent = project,
                PortId = $"p{i}",
                Port = new() { Network = $"{project}/networks/n{i}", SecurityGroups = { $"{project}/securityGroups/b" } },
            }, Admin);
            await host.Make<FloatingAddressService>().CreateFloatingAddress(new CreateFloatingAddressRequest
            {
                Parent = project,
                FloatingAddressId = $"f{i}",
                FloatingAddress = new() { Port = random.Next(2) == 0 ? $"{project}/ports/p{i}" : "" },
            }, Admin);
        }
    }

    async Task ComputeAsync(string project, string id)
    {
        await AddKeyPairAsync(project, "k");
        await host.Make<ServerGroupService>().CreateServerGroup(new CreateServerGroupRequest
        {
            Parent = project,
            ServerGroupId = "g",
            ServerGroup = new() { Policy = ServerGroup.Types.Policy.SoftAntiAffinity },
        }, Admin);
        await ImageAsync(project, id);
        foreach (var i in Few())
            await host.Make<ServerService>().CreateServer(new CreateServerRequest
            {
                Parent = project,
                ServerId = $"s{i}",
                Server = new()
                {
                    Flavor = "flavors/small",
                    Image = project + "/images/blank",
                    ServerGroup = project + "/serverGroups/g",
                    Networks = { new ServerNetwork { Network = project + "/networks/default" } },
                    UndeleteWindow = random.Next(2) == 0 ? Duration.FromTimeSpan(TimeSpan.FromDays(1)) : null,
                },
            }, Admin);
    }

    Task ImageAsync(string project, string id) => host.Get<Store<ImageDb>>().WriteAsync(Call.Of("test"), unit =>
    {
        unit.Db.Images.Add(new ImageRow
        {
            Name = project + "/images/blank",
            Project = id,
            Sha256 = new string('0', 64),
            SizeBytes = 4096,
        });
        return Task.CompletedTask;
    }, default);

    Task PoolAsync(string id, string prefix, AddressPool.Types.Purpose purpose, string owner = "") =>
        host.Make<AddressPoolService>().CreateAddressPool(new CreateAddressPoolRequest
        {
            AddressPoolId = id,
            AddressPool = new() { Prefixes = { prefix }, Purpose = purpose, Owner = owner },
        }, Admin);

    static SecurityRule Rule(SecurityRule rule)
    {
        rule.Direction = SecurityRule.Types.Direction.Ingress;
        rule.Protocol = SecurityRule.Types.Protocol.Any;
        return rule;
    }

    IEnumerable<int> Few() => Enumerable.Range(0, random.Next(1, 4));
}
