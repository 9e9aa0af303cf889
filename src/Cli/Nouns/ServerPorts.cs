using System.CommandLine;
using Google.Protobuf;
using Monolith.Cli.Session;
using Monolith.Cli.Waiting;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Ports that come to a server, and go, while it is there.</summary>
internal static class ServerPorts
{
    public static IEnumerable<Command> Commands(Noun noun, App app) => [Attach(noun, app), Detach(noun, app)];

    static Command Attach(Noun noun, App app)
    {
        var network = new Option<string?>("--network")
        {
            Description = "Where the port is to be. Default: the project's network default.",
            HelpName = "NETWORK",
        };
        network.CompletionSources.Add(app.NamesOf(() => Catalog.Network));
        var groups = new Option<string[]>("--security-group")
        {
            Description = "May be given several times. Default: the network's.",
            HelpName = "GROUP",
        };
        groups.CompletionSources.Add(app.NamesOf(() => Catalog.SecurityGroup));
        var address = new Option<string?>("--address") { Description = "A particular address. Default: any.", HelpName = "ADDRESS" };
        return ServerChanges.Change(noun, app,
            new Command("attach-port", "Give a server one more network card; one that runs has it at once.") { network, groups, address },
            Goal.Plug, async (run, name) =>
            {
                var request = new AttachServerPortRequest { Name = name, Address = run.Line.GetValue(address) ?? "" };
                if (run.Line.GetValue(network) is { } of) request.Network = await run.ExpandAsync(Catalog.Network, of);
                foreach (var group in run.Line.GetValue(groups) ?? [])
                    request.SecurityGroups.Add(await run.ExpandAsync(Catalog.SecurityGroup, group));
                return request;
            });
    }

    static Command Detach(Noun noun, App app)
    {
        var port = new Argument<string>("PORT") { Description = "One of the server's, as `monolith port list` names it." };
        port.CompletionSources.Add(app.NamesOf(() => Catalog.Port));
        return ServerChanges.Change(noun, app,
            new Command("detach-port", "Take a network card from a server, and give its addresses back.") { port },
            Goal.Plug, async (run, name) => new DetachServerPortRequest
            {
                Name = name,
                Port = await run.ExpandAsync(Catalog.Port, run.Line.GetValue(port)!),
            });
    }
}
