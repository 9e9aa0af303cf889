using System.Security.Cryptography;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Dns.V1;
using Monolith.Fleet.Load;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using Monolith.Lb.V1;
using Monolith.Network.V1;
using Monolith.Simulation.Tests;
using Monolith.Simulation.Tests.Load;
using ServerState = Monolith.Compute.V1.Server.Types.State;

namespace Monolith.Crash.Tests;

/// <summary>
/// What becomes of two projects with some of everything:
/// <code>
///   fill both ─▶ delete one with force ─▶ killed, killed, killed … ─▶ it is gone ─▶ no row speaks of it, the other is whole
///                                                                        └─▶ the other as well ─▶ nothing is left
/// </code>
/// </summary>
/// <param name="kills">The most of each purge.</param>
internal sealed class PurgeLife(Scene scene, int number, Random dice, int kills, CancellationToken cancel)
{
    /// <summary>Crossings of a host between two of its deaths, at most; a purge has some more.</summary>
    const int Longest = 250;
    const int Servers = 4;
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    readonly List<string> deaths = [];

    /// <summary>What is waited for.</summary>
    public string Stage { get; private set; } = "";

    public IReadOnlyList<string> Deaths => deaths;

    public async Task LiveAsync()
    {
        var (doomed, kept) = ($"doomed{number}", $"kept{number}");
        Stage = "fill projects";
        await PoolAsync("public", "203.0.113.0/24", AddressPool.Types.Purpose.Floating);
        await PoolAsync("virtual", "10.200.0.0/16", AddressPool.Types.Purpose.LoadBalancer);
        foreach (var project in new[] { doomed, kept }) await FillAsync(project);
        var whole = await scene.TracesAsync(kept);
        await PurgeAsync(doomed);
        Stage = "keep the other";
        var after = await scene.TracesAsync(kept);
        if (whole.FirstOrDefault(w => after.GetValueOrDefault(w.Key) < w.Value) is { Key: { } where })
            throw new BrokenPromiseException($"{where} of {kept} was {whole[where]} and is {after.GetValueOrDefault(where)}");
        await PurgeAsync(kept);
        Stage = "be gone";
        await scene.UntilAsync("everything to be gone", scene.LeftoversAsync);
    }

    async Task PurgeAsync(string project)
    {
        Stage = $"purge {project}";
        var (projects, name, died) = (new ProjectService.ProjectServiceClient(scene.Invoker), "projects/" + project, 0);
        foreach (var server in scene.Known.Where(k => k.Key.StartsWith(name + "/", StringComparison.Ordinal)))
            server.Value.Deleted = true;
        Arm();
        var request = new DeleteProjectRequest { Name = name, Force = true, Wait = new(), RequestId = Guid.NewGuid().ToString() };
        await scene.AskAsync(o => projects.DeleteProjectAsync(request, o));
        while (await IsThereAsync())
        {
            if (scene.Died.Length > 0 && died < kills)
            {
                deaths.Add(scene.Died);
                died++;
                Arm();
            }
            await Task.Delay(Look, cancel);
        }
        if (scene.Died.Length > 0) deaths.Add(scene.Died);
        scene.Arm(isHost: true, 0, cancel);
        if (await scene.TracesAsync(project) is { Count: > 0 } left)
            throw new BrokenPromiseException($"of {project} is left: {string.Join(", ", left.Select(l => $"{l.Key}: {l.Value}"))}");

        void Arm() => scene.Arm(isHost: true, dice.Next(1, Longest), cancel);

        async Task<bool> IsThereAsync()
        {
            try
            {
                await scene.AskAsync(o => projects.GetProjectAsync(new() { Name = name }, o));
                return true;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
            {
                return false;
            }
        }
    }

    async Task FillAsync(string id)
    {
        var (project, wire) = ("projects/" + id, scene.Invoker);
        await scene.AskAsync(o => new ProjectService.ProjectServiceClient(wire).CreateProjectAsync(new() { ProjectId = id }, o));
        await scene.AskAsync(o => new NetworkService.NetworkServiceClient(wire).CreateNetworkAsync(new()
        {
            Parent = project,
            NetworkId = "default",
            Network = new() { AddressPools = { "addressPools/fleet" } },
        }, o));
        await GroupsAsync(project);
        await scene.AskAsync(o => new ImageService.ImageServiceClient(wire).ImportImageAsync(new()
        {
            Parent = project,
            ImageId = "own",
            Url = scene.ImportUrl,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(Scene.Importable)),
        }, o));
        for (var i = 0; i < Servers; i++) await ServerAsync(project, $"s{i}");
        await scene.AskAsync(o => new PortService.PortServiceClient(wire).CreatePortAsync(new()
        {
            Parent = project,
            PortId = "free",
            Port = new() { Network = project + "/networks/default" },
        }, o));
        for (var i = 0; i < Servers; i++) await BecomesReadyAsync($"{project}/servers/s{i}");
        foreach (var (f, to) in new[] { ("f0", project + "/servers/s0"), ("f1", project + "/ports/free"), ("f2", "") })
            await scene.AskAsync(o => new FloatingAddressService.FloatingAddressServiceClient(wire).CreateFloatingAddressAsync(new()
            {
                Parent = project,
                FloatingAddressId = f,
                FloatingAddress = new() { Port = to },
            }, o));
        await scene.AskAsync(o => new LoadBalancerService.LoadBalancerServiceClient(wire).CreateLoadBalancerAsync(new()
        {
            Parent = project,
            LoadBalancerId = "lb",
            LoadBalancer = new() { Pools = { new Pool { Id = "web", Members = { new Member { Server = project + "/servers/s0", Port = 80 } } } } },
        }, o));
        await scene.AskAsync(o => new ZoneService.ZoneServiceClient(wire).CreateZoneAsync(new()
        {
            Parent = project,
            ZoneId = "own",
            Zone = new() { Domain = id + ".example" },
        }, o));
        for (var i = 0; i < Servers; i++)
            await scene.AskAsync(o => new RecordSetService.RecordSetServiceClient(wire).CreateRecordSetAsync(new()
            {
                Parent = project + "/zones/own",
                RecordSet = new() { Domain = $"r{i}.{id}.example", Type = "A", Values = { "192.0.2.1" } },
            }, o));
    }

    async Task GroupsAsync(string project)
    {
        var groups = new SecurityGroupService.SecurityGroupServiceClient(scene.Invoker);
        await scene.AskAsync(o => new AddressSetService.AddressSetServiceClient(scene.Invoker).CreateAddressSetAsync(new()
        {
            Parent = project,
            AddressSetId = "offices",
            AddressSet = new() { Prefixes = { "198.51.100.0/24" } },
        }, o));
        foreach (var id in new[] { "a", "b" })
            await scene.AskAsync(o => groups.CreateSecurityGroupAsync(new() { Parent = project, SecurityGroupId = id, SecurityGroup = new() }, o));
        foreach (var (id, other) in new[] { ("a", "b"), ("b", "a") })
            await scene.AskAsync(o => groups.UpdateSecurityGroupAsync(new()
            {
                SecurityGroup = new()
                {
                    Name = $"{project}/securityGroups/{id}",
                    Rules =
                    {
                        Rule(new() { RemoteGroup = $"{project}/securityGroups/{other}" }),
                        Rule(new() { RemoteAddressSet = project + "/addressSets/offices" }),
                    },
                },
                UpdateMask = new() { Paths = { "rules" } },
            }, o));
        await scene.AskAsync(o => new ServerGroupService.ServerGroupServiceClient(scene.Invoker).CreateServerGroupAsync(new()
        {
            Parent = project,
            ServerGroupId = "apart",
            ServerGroup = new() { Policy = ServerGroup.Types.Policy.SoftAntiAffinity },
        }, o));
    }

    static SecurityRule Rule(SecurityRule rule)
    {
        rule.Direction = SecurityRule.Types.Direction.Ingress;
        rule.Protocol = SecurityRule.Types.Protocol.Any;
        return rule;
    }

    async Task ServerAsync(string project, string id)
    {
        var made = await scene.AskAsync(o => new ServerService.ServerServiceClient(scene.Invoker).CreateServerAsync(new()
        {
            Parent = project,
            ServerId = id,
            Server = new()
            {
                Flavor = Cloud.Flavor,
                Image = Cloud.Image,
                ServerGroup = project + "/serverGroups/apart",
                Networks = { new ServerNetwork { Network = project + "/networks/default", SecurityGroups = { project + "/securityGroups/a" } } },
            },
        }, o));
        scene.Known[made.Name] = new Known { Uid = made.Uid };
    }

    async Task BecomesReadyAsync(string name)
    {
        var servers = new ServerService.ServerServiceClient(scene.Invoker);
        while ((await scene.AskAsync(o => servers.GetServerAsync(new() { Name = name }, o))).State != ServerState.Ready)
            await Task.Delay(Look, cancel);
    }

    async Task PoolAsync(string id, string prefix, AddressPool.Types.Purpose purpose)
    {
        try
        {
            await scene.AskAsync(o => new AddressPoolService.AddressPoolServiceClient(scene.Invoker).CreateAddressPoolAsync(new()
            {
                AddressPoolId = id,
                AddressPool = new() { Prefixes = { prefix }, Purpose = purpose },
            }, o));
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
        {
            // Of the projects before these.
        }
    }
}
