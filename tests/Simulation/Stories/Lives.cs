using Monolith.Compute.V1;
using Monolith.Image.V1;
using Monolith.Network.V1;
using Monolith.Simulation.Tests.Load;

namespace Monolith.Simulation.Tests.Stories;

/// <summary>Lives of a server, from nothing to nothing.</summary>
internal static class Lives
{
    public const string Power = nameof(Power);
    public const string Change = nameof(Change);
    public const string Plug = nameof(Plug);
    public const string Migrate = nameof(Migrate);
    public const string Rest = nameof(Rest);
    public const string Copy = nameof(Copy);
    public const string Lose = nameof(Lose);

    public static readonly IReadOnlyList<string> All = [Power, Change, Plug, Migrate, Rest, Copy, Lose];

    static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public static async Task LiveAsync(string life, Simulation simulation, Client client, string name)
    {
        await client.CreateAsync(name);
        await client.StateAsync(name, Server.Types.State.Ready);
        await (life switch
        {
            Power => PowerAsync(client, name),
            Change => ChangeAsync(client, name),
            Plug => PlugAsync(simulation, client, name),
            Migrate => MigrateAsync(client, name),
            Rest => RestAsync(simulation, client, name),
            Copy => CopyAsync(simulation, client, name),
            _ => LoseAsync(simulation, client, name),
        });
        await client.DeleteAsync(name, client.Servers[name]);
        await simulation.UntilAsync("everything to be gone", simulation.Leftovers);
    }

    static async Task PowerAsync(Client client, string name)
    {
        await client.StopAsync(name);
        await client.StateAsync(name, Server.Types.State.Stopped);
        await client.StartAsync(name);
        await client.StateAsync(name, Server.Types.State.Ready);
    }

    static async Task ChangeAsync(Client client, string name)
    {
        await client.AskAsync("resize", (servers, id, options) => servers.ResizeServerAsync(
            new ResizeServerRequest { Name = name, Flavor = "flavors/large", RequestId = id }, options));
        await client.StateAsync(name, Server.Types.State.Ready);
        await client.AskAsync("rebuild", (servers, id, options) => servers.RebuildServerAsync(
            new RebuildServerRequest { Name = name, RequestId = id }, options));
        await client.StateAsync(name, Server.Types.State.Ready);
    }

    /// <summary>Another port comes to it, and its first one goes.</summary>
    static async Task PlugAsync(Simulation simulation, Client client, string name)
    {
        var ports = new PortService.PortServiceClient(client.Invoker);
        var before = (await client.GetAsync(name))!;
        await UntilItHasAsync(2, () => client.AskAsync("attach", (servers, id, options) => servers.AttachServerPortAsync(
            new AttachServerPortRequest { Name = name, RequestId = id }, options)));
        var both = await client.StateAsync(name, Server.Types.State.Ready);
        if (both.Addresses.Count != 2 || both.Addresses[0] != before.Addresses[0])
            throw new BrokenPromiseException($"{name} had {before.Addresses} and has {both.Addresses}");
        var first = (await client.CallAsync("list ports", options => ports.ListPortsAsync(
            new ListPortsRequest { Parent = "projects/" + client.Project, Filter = $"owner = \"{name}\"" }, options)))!
            .Ports.Single(p => p.Addresses.Contains(before.Addresses[0]));
        await UntilItHasAsync(1, () => client.AskAsync("detach", (servers, id, options) => servers.DetachServerPortAsync(
            new DetachServerPortRequest { Name = name, Port = first.Name, RequestId = id }, options)));
        var after = await client.StateAsync(name, Server.Types.State.Ready);
        if (after.Addresses.Count != 1 || after.Addresses[0] != both.Addresses[1])
            throw new BrokenPromiseException($"{name} had {both.Addresses} and has {after.Addresses}");

        // Refused while it is not READY, for somebody just died.
        async Task UntilItHasAsync(int count, Func<Task> ask)
        {
            while (true)
            {
                await ask();
                if ((await client.GetAsync(name))!.Networks.Count == count) return;
                await Task.Delay(Look, simulation.Time);
            }
        }
    }

    static async Task MigrateAsync(Client client, string name)
    {
        var before = await client.GetAsync(name);
        await client.AskAsync("migrate", (servers, id, options) => servers.MigrateServerAsync(
            new MigrateServerRequest { Name = name, RequestId = id }, options));
        var after = await client.StateAsync(name, Server.Types.State.Ready);
        if (after.Addresses.ToString() != before!.Addresses.ToString())
            throw new BrokenPromiseException($"{name} had {before.Addresses} and has {after.Addresses}");
    }

    /// <summary>Stopped, it goes elsewhere as it is: it is stopped in one place in the end, whoever died, and starts there.</summary>
    static async Task RestAsync(Simulation simulation, Client client, string name)
    {
        var before = await client.GetAsync(name);
        await client.StopAsync(name);
        await client.StateAsync(name, Server.Types.State.Stopped);
        await client.AskAsync("migrate", (servers, id, options) => servers.MigrateServerAsync(
            new MigrateServerRequest { Name = name, RequestId = id }, options));
        var moved = await client.StateAsync(name, Server.Types.State.Stopped);
        await simulation.UntilAsync("rows and nodes to agree", simulation.Differences);
        await client.StartAsync(name);
        var after = await client.StateAsync(name, Server.Types.State.Ready);
        if (after.Addresses.ToString() != before!.Addresses.ToString() || after.Hypervisor != moved.Hypervisor)
            throw new BrokenPromiseException(
                $"{name} had {before.Addresses}, was stopped on {moved.Hypervisor}, and has {after.Addresses} on {after.Hypervisor}");
    }

    /// <summary>Its disk becomes an image, which is READY in the end, whoever died.</summary>
    static async Task CopyAsync(Simulation simulation, Client client, string name)
    {
        var images = new ImageService.ImageServiceClient(client.Invoker);
        var id = name[(name.LastIndexOf('/') + 1)..];
        var image = $"projects/{client.Project}/images/{id}";
        await client.AskImageAsync("snapshot", (servers, request, options) => servers.SnapshotServerAsync(
            new SnapshotServerRequest { Name = name, ImageId = id, RequestId = request }, options));
        await simulation.UntilReadyAsync(image, () => client.CallAsync("get " + image,
            options => images.GetImageAsync(new GetImageRequest { Name = image }, options)));
        while (await client.CallAsync("delete " + image, options => images.DeleteImageAsync(
            new DeleteImageRequest { Name = image }, options)) is not null
            && await client.CallAsync("get " + image, options => images.GetImageAsync(
                new GetImageRequest { Name = image }, options)) is not null)
            await Task.Delay(Look, simulation.Time);
    }

    /// <summary>Its machine goes off and is given up, and comes back when the server is elsewhere.</summary>
    static async Task LoseAsync(Simulation simulation, Client client, string name)
    {
        var hypervisors = new HypervisorService.HypervisorServiceClient(client.Invoker);
        var before = (await client.GetAsync(name))!;
        var node = simulation.Nodes.Single(n => "hypervisors/" + n.Name == before.Hypervisor);
        node.LosePower();
        // Refused until the host believes that it is not there.
        while (await client.CallAsync("evacuate " + node.Name, options => hypervisors.EvacuateHypervisorAsync(
            new EvacuateHypervisorRequest { Name = before.Hypervisor, Fenced = true }, options)) is null)
            await Task.Delay(Look, simulation.Time);
        Server? after;
        do
        {
            await Task.Delay(Look, simulation.Time);
            after = await client.StateAsync(name, Server.Types.State.Ready);
        }
        while (after.Hypervisor == before.Hypervisor);
        if (after.Addresses.ToString() != before.Addresses.ToString())
            throw new BrokenPromiseException($"{name} had {before.Addresses} and has {after.Addresses}");
        node.Start();
        while (await client.CallAsync("open " + node.Name, options => hypervisors.UpdateHypervisorAsync(
            new UpdateHypervisorRequest
            {
                Hypervisor = new() { Name = before.Hypervisor, Schedulable = true },
                UpdateMask = new() { Paths = { "schedulable" } },
            }, options)) is null)
            await Task.Delay(Look, simulation.Time);
        await simulation.UntilAsync("rows and nodes to agree", simulation.Differences);
    }
}
