using Google.Protobuf.Collections;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Compute.V1;
using Monolith.Image.V1;
using Monolith.Network.V1;
using Monolith.Simulation.Tests.Load;
using Monolith.Simulation.Tests.Nodes;

namespace Monolith.Simulation.Tests.Catalogue;

/// <summary>A calm cloud in which one thing is about to go wrong, and what a tenant reads of it.</summary>
internal sealed class Scene(Simulation simulation)
{
    const string Project = "projects/p1";
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);
    static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    Client Client { get; } = simulation.Clients[0];

    public ServerService.ServerServiceClient Servers { get; } = new(simulation.Clients[0].Invoker);

    public HypervisorService.HypervisorServiceClient Hypervisors { get; } = new(simulation.Clients[0].Invoker);

    public FlavorService.FlavorServiceClient Flavors { get; } = new(simulation.Clients[0].Invoker);

    public ServerGroupService.ServerGroupServiceClient Groups { get; } = new(simulation.Clients[0].Invoker);

    public AddressPoolService.AddressPoolServiceClient Pools { get; } = new(simulation.Clients[0].Invoker);

    public PortService.PortServiceClient Ports { get; } = new(simulation.Clients[0].Invoker);

    public ImageService.ImageServiceClient Images { get; } = new(simulation.Clients[0].Invoker);

    public NetworkService.NetworkServiceClient Networks { get; } = new(simulation.Clients[0].Invoker);

    public Simulation Cloud => simulation;

    /// <summary>Of the server that the tenant looks at.</summary>
    public static string Name => Project + "/servers/web";

    /// <summary>The same fails on every node.</summary>
    public void Break(string method, Func<Exception> cause)
    {
        foreach (var node in simulation.Nodes) node.Faults.Break(method, cause);
    }

    public void Silence(string method)
    {
        foreach (var node in simulation.Nodes) node.Faults.Silence(method);
    }

    /// <summary>Asks for it; where it runs is not waited for.</summary>
    public async Task<Server> CreateAsync(Action<Server>? change = null, string id = "web")
    {
        var server = new Server { Flavor = "flavors/small", Image = Project + "/images/blank" };
        change?.Invoke(server);
        return await Servers.CreateServerAsync(new CreateServerRequest { Parent = Project, ServerId = id, Server = server });
    }

    public async Task<Server> ReadyAsync(Action<Server>? change = null, string id = "web")
    {
        await CreateAsync(change, id);
        return await UntilAsync(s => s is { State: Server.Types.State.Ready, Reconciling: false }, "READY", id);
    }

    public async Task<Server> UntilAsync(Func<Server, bool> holds, string what, string id = "web")
    {
        var deadline = simulation.Time.GetUtcNow() + Patience;
        while (true)
        {
            var server = await Servers.GetServerAsync(new GetServerRequest { Name = $"{Project}/servers/{id}" });
            if (holds(server)) return server;
            if (simulation.Time.GetUtcNow() > deadline)
                throw new BrokenPromiseException($"{server.Name} is not {what}: {Words(server)}");
            await Task.Delay(Look, simulation.Time);
        }
    }

    public Node NodeOf(Server server) => simulation.Nodes.Single(n => "hypervisors/" + n.Name == server.Hypervisor);

    public async Task UpdateAsync(Node node, Hypervisor wanted, string field)
    {
        wanted.Name = "hypervisors/" + node.Name;
        await Hypervisors.UpdateHypervisorAsync(new UpdateHypervisorRequest
        {
            Hypervisor = wanted,
            UpdateMask = new() { Paths = { field } },
        });
    }

    public async Task UpdateAllAsync(Func<Hypervisor> wanted, string field)
    {
        foreach (var node in simulation.Nodes) await UpdateAsync(node, wanted(), field);
    }

    /// <summary>Until the host has seen that they are gone.</summary>
    public async Task DownAsync(params IEnumerable<Node> nodes)
    {
        foreach (var node in nodes.ToList())
        {
            node.LosePower();
            var name = "hypervisors/" + node.Name;
            while ((await Hypervisors.GetHypervisorAsync(new GetHypervisorRequest { Name = name })).State != Hypervisor.Types.State.Down)
                await Task.Delay(Look, simulation.Time);
        }
    }

    /// <summary>Of the server's disk.</summary>
    public Task CopyAsync() => Servers.SnapshotServerAsync(
        new SnapshotServerRequest { Name = Name, ImageId = LastId(CopyName) }).ResponseAsync;

    static string CopyName => Project + "/images/copy";

    static string LastId(string name) => name[(name.LastIndexOf('/') + 1)..];

    /// <summary>All that the tenant reads of what holds the server up, or the copy of its disk: reason and words of each.</summary>
    /// <param name="ofCopy">Of the image that it becomes.</param>
    public async Task<IReadOnlyList<(string Reason, string Message)>> ToldAsync(bool ofCopy,
        Func<IReadOnlyList<(string Reason, string Message)>, bool> holds, string what)
    {
        IReadOnlyList<(string, string)> told = [];
        if (!ofCopy)
        {
            await UntilAsync(s => holds(told = [.. Told(s.Conditions),
                .. s.Migration is { Reason.Length: > 0 } m ? new[] { (m.Reason, m.Message) } : []]), what);
            return told;
        }
        var deadline = simulation.Time.GetUtcNow() + Patience;
        while (true)
        {
            var image = await Images.GetImageAsync(new GetImageRequest { Name = CopyName });
            if (holds(told = [.. Told(image.Conditions)])) return told;
            if (simulation.Time.GetUtcNow() > deadline) throw new BrokenPromiseException($"{image} is not {what}");
            await Task.Delay(Look, simulation.Time);
        }
    }

    static IEnumerable<(string Reason, string Message)> Told(RepeatedField<Condition> conditions) =>
        conditions.Where(c => c.Status != Condition.Types.Status.True).Select(c => (c.Reason, c.Message));

    public static string Words(Server server) => $"{server.State}, " + string.Join("; ", server.Conditions.Select(c =>
        $"{c.Type}={c.Status} {c.Reason} {c.Message}")) + $" migration {server.Migration?.State} {server.Migration?.Reason} {server.Migration?.Message}";
}
