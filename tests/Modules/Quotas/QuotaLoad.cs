using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Servers;
using Monolith.Compute.V1;
using Monolith.Dns.V1;
using Monolith.Image;
using Monolith.Image.Images;
using Monolith.Lb;
using Monolith.Lb.LoadBalancers;
using Monolith.Lb.V1;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using AddressPoolService = Monolith.Network.AddressPools.AddressPoolService;
using FlavorService = Monolith.Compute.Flavors.FlavorService;
using LoadBalancerService = Monolith.Lb.LoadBalancers.LoadBalancerService;
using NetworkService = Monolith.Network.Networks.NetworkService;
using PortService = Monolith.Network.Ports.PortService;
using SecurityGroupService = Monolith.Network.SecurityGroups.SecurityGroupService;
using ServerService = Monolith.Compute.Servers.ServerService;
using ZoneService = Monolith.Dns.Zones.ZoneService;

namespace Monolith.Modules.Tests.Quotas;

/// <summary>Random operations of two projects: names are few, so that operations meet each other.</summary>
internal sealed class QuotaLoad
{
    public static readonly string[] Projects = ["demo", "more"];

    static readonly StatusCode[] Expected =
    [
        StatusCode.ResourceExhausted, StatusCode.AlreadyExists, StatusCode.NotFound, StatusCode.InvalidArgument,
        StatusCode.FailedPrecondition, StatusCode.Aborted, StatusCode.Unavailable,
    ];

    /// <summary>How often what came of an operation, by reason.</summary>
    public ConcurrentDictionary<string, int> Outcomes { get; } = new();

    /// <summary>What the first host prepares besides its own.</summary>
    public async Task PrepareAsync(QuotaHost host)
    {
        await host.ProjectAsync("more");
        await host.Make<FlavorService>().CreateFlavor(new CreateFlavorRequest
        {
            FlavorId = "large",
            Flavor = new() { Vcpus = 4, MemoryMib = 2048, DiskGib = 20 },
        }, QuotaHost.Admin);
        await host.Make<AddressPoolService>().CreateAddressPool(new CreateAddressPoolRequest
        {
            AddressPoolId = "vips",
            AddressPool = new() { Prefixes = { "10.96.0.0/24" }, Purpose = AddressPool.Types.Purpose.LoadBalancer },
        }, QuotaHost.Admin);
    }

    /// <summary>One operation. A refusal is an outcome; whatever nobody foresaw is thrown.</summary>
    public async Task DoAsync(QuotaHost host, Random dice)
    {
        var outcome = "done";
        try
        {
            await OneAsync(host, dice);
        }
        catch (Fault fault) when (Expected.Contains(fault.Code))
        {
            outcome = fault.Reason;
        }
        catch (Exception e) when (Conflict.IsOutage(e))
        {
            outcome = "DATABASE_UNAVAILABLE";
        }
        Outcomes.AddOrUpdate(outcome, 1, (_, n) => n + 1);
    }

    static async Task OneAsync(QuotaHost host, Random dice)
    {
        var call = QuotaHost.Admin;
        var parent = "projects/" + Projects[dice.Next(Projects.Length)];
        var (id, trial, network) = ("r" + dice.Next(12), dice.Next(8) == 0, $"{parent}/networks/r{dice.Next(2)}");
        switch (dice.Next(20))
        {
            case 0 or 1 or 2 or 3:
                await host.Servers.CreateServer(new CreateServerRequest
                {
                    Parent = parent,
                    ServerId = id,
                    ValidateOnly = trial,
                    Server = new()
                    {
                        Flavor = dice.Next(2) == 0 ? "flavors/small" : "flavors/large",
                        Image = "projects/demo/images/blank",
                        Networks =
                        {
                            Enumerable.Range(0, 1 + dice.Next(2)).Select(_ => new ServerNetwork { Network = network }),
                        },
                    },
                }, call);
                break;
            case 4 or 5:
                await host.Servers.DeleteServer(new()
                {
                    Name = $"{parent}/servers/{id}",
                    ValidateOnly = trial,
                }, call);
                break;
            case 6 or 7 or 8 or 9:
                // A step or some of what follows from calls: ports are claimed, and given back; the row goes.
                for (var steps = dice.Next(1, 6); steps > 0; steps--)
                    await host.Get<ServerReconciler>().ReconcileAsync($"{parent}/servers/{id}", default);
                break;
            case 10:
                await host.Make<PortService>().CreatePort(new CreatePortRequest
                {
                    Parent = parent,
                    PortId = id,
                    ValidateOnly = trial,
                    Port = new() { Network = network },
                }, call);
                break;
            case 11:
                await host.Make<PortService>().DeletePort(new() { Name = $"{parent}/ports/{id}", ValidateOnly = trial }, call);
                break;
            case 12 or 13:
                await NetworkAsync(host, dice, parent, network, trial);
                break;
            case 14:
                await GroupAsync(host, dice, parent, id, trial);
                break;
            case 15:
                await ZoneAsync(host, dice, parent, id, trial);
                break;
            case 16 or 17:
                await BalancerAsync(host, dice, parent, id, trial);
                break;
            case 18:
                await ImageAsync(host, dice, parent, id, trial);
                break;
            default:
                await HalfAsync(host, dice, parent, id);
                break;
        }
    }

    static Task NetworkAsync(QuotaHost host, Random dice, string parent, string name, bool trial) => dice.Next(4) > 0
        ? host.Make<NetworkService>().CreateNetwork(new CreateNetworkRequest
        {
            Parent = parent,
            NetworkId = name[(name.LastIndexOf('/') + 1)..],
            ValidateOnly = trial,
            Network = new() { AddressPools = { "addressPools/both" } },
        }, QuotaHost.Admin)
        : host.Make<NetworkService>().DeleteNetwork(new() { Name = name, ValidateOnly = trial }, QuotaHost.Admin);

    static Task GroupAsync(QuotaHost host, Random dice, string parent, string id, bool trial) => dice.Next(2) > 0
        ? host.Make<SecurityGroupService>().CreateSecurityGroup(new CreateSecurityGroupRequest
        {
            Parent = parent,
            SecurityGroupId = id,
            ValidateOnly = trial,
            SecurityGroup = new(),
        }, QuotaHost.Admin)
        : host.Make<SecurityGroupService>().DeleteSecurityGroup(new()
        {
            Name = $"{parent}/securityGroups/{id}",
            ValidateOnly = trial,
        }, QuotaHost.Admin);

    static Task ZoneAsync(QuotaHost host, Random dice, string parent, string id, bool trial) => dice.Next(2) > 0
        ? host.Make<ZoneService>().CreateZone(new CreateZoneRequest
        {
            Parent = parent,
            ZoneId = id,
            ValidateOnly = trial,
            Zone = new() { Domain = $"{id}.{parent["projects/".Length..]}.example" },
        }, QuotaHost.Admin)
        : host.Make<ZoneService>().DeleteZone(new() { Name = $"{parent}/zones/{id}", ValidateOnly = trial }, QuotaHost.Admin);

    static async Task BalancerAsync(QuotaHost host, Random dice, string parent, string id, bool trial)
    {
        var name = $"{parent}/loadBalancers/{id}";
        switch (dice.Next(4))
        {
            case 0:
                await host.Make<LoadBalancerService>().CreateLoadBalancer(new CreateLoadBalancerRequest
                {
                    Parent = parent,
                    LoadBalancerId = id,
                    ValidateOnly = trial,
                    LoadBalancer = new(),
                }, QuotaHost.Admin);
                break;
            case 1:
                await host.Make<LoadBalancerService>().DeleteLoadBalancer(new() { Name = name, ValidateOnly = trial },
                    QuotaHost.Admin);
                break;
            default:
                var uid = await host.Get<Store<LbDb>>().ReadAsync(db =>
                    db.LoadBalancers.Where(b => b.Name == name).Select(b => b.Uid).FirstOrDefaultAsync());
                for (var steps = dice.Next(1, 4); steps > 0; steps--)
                    await host.Get<LoadBalancerReconciler>().ReconcileAsync(uid, default);
                break;
        }
    }

    static Task ImageAsync(QuotaHost host, Random dice, string parent, string id, bool trial) => dice.Next(2) > 0
        ? host.Get<Store<ImageDb>>().WriteAsync(Call.Of("test"), async unit =>
        {
            var name = $"{parent}/images/{id}";
            if (await unit.Db.Images.AnyAsync(i => i.Name == name)) throw Fault.AlreadyExists(name);
            unit.Db.Images.Add(new ImageRow
            {
                Name = name,
                Project = parent["projects/".Length..],
                Sha256 = new string('0', 64),
                SizeBytes = dice.Next(1_000_000),
            });
        }, default)
        : host.Make<ImageService>().DeleteImage(new() { Name = $"{parent}/images/{id}", ValidateOnly = trial }, QuotaHost.Admin);

    /// <summary>A write that fails in the middle, with rows saved before.</summary>
    static Task HalfAsync(QuotaHost host, Random dice, string parent, string id) =>
        host.Get<Store<ImageDb>>().WriteAsync(Call.Of("test"), async unit =>
        {
            for (var i = dice.Next(4); i >= 0; i--)
            {
                unit.Db.Images.Add(new ImageRow
                {
                    Name = $"{parent}/images/{id}-half-{i}",
                    Project = parent["projects/".Length..],
                    Sha256 = new string('0', 64),
                    SizeBytes = 1,
                });
                await unit.Db.SaveChangesAsync();
            }
            throw Fault.Precondition("HALF_DONE", id, "No more of it.");
        }, default);
}
