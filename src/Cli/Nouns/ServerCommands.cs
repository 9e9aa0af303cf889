using System.CommandLine;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Api;
using Monolith.Cli.Native;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Cli.Waterfalls;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Servers: the description, start, stop, restart, events and ssh; <see cref="ServerChanges"/> and
/// <see cref="ConsoleCommands"/>.</summary>
internal static class ServerCommands
{
    public static Noun Noun => new("server", Place.Project, ServerService.Descriptor, Server.Descriptor)
    {
        About = "Servers.",
        Aliases = ["servers"],
        Columns =
        [
            Column.Name, Column.State(), Column.Of("ADDRESSES", "addresses"), Column.Of("DNS NAME", "dns_name"),
            Column.Reference("FLAVOR", "flavor"), Column.Reference("IMAGE", "image"),
            Column.Reference("HYPERVISOR", "hypervisor"), Column.Age,
        ],
        Fields =
        [
            new("--flavor", "flavor", "The size.") { Required = true, Value = "FLAVOR", Refers = () => Catalog.Flavor },
            new("--image", "image", "The image, the project's or another that it sees; family/FAMILY for a family's newest.")
            {
                Required = true, Value = "IMAGE", Refers = () => Catalog.Image, Parse = ImageCommands.ResolveAsync,
                Also = ImageCommands.FamilyOf,
            },
            new("--network", "networks", "A network to get a port in. Default: the network `default`.")
            {
                Value = "NAME[,address=A][,sg=G]", Parse = NetworkAsync,
            },
            new("--key", "key_pairs", "A key pair whose key may log in.")
            {
                Value = "KEYPAIR", Refers = () => Catalog.KeyPair,
            },
            new("--user-data", "user_data", "A file that the guest gets from the metadata service.") { Value = "FILE" },
            new("--meta", "metadata", "An entry that the guest gets from the metadata service; on update, all of them anew.")
            {
                Mutable = true, Value = "KEY=VALUE",
            },
            new("--metadata-drive", "metadata_drive", "The same on a disk, for images that do not ask the service.")
            {
                Value = "config-drive|no-cloud",
            },
            new("--hostname", "hostname", "What the guest is told its name is."),
            new("--ready-port", "ready_probe.tcp_port", "The TCP port that must answer before it is READY.")
            {
                Value = "N",
            },
            new("--ready-timeout", "ready_probe.timeout", "Fail when it is not READY by then. Default 5m.")
            {
                Value = "TIME",
            },
            new("--availability-zone", "availability_zone", "Place it only there; see `monolith availability-zone list`.")
            {
                Value = "ZONE", Refers = () => Catalog.AvailabilityZone, Parse = Fields.Zone,
            },
            new("--group", "server_group", "The server group: near or apart from its others.")
            {
                Value = "GROUP", Refers = () => Catalog.ServerGroup,
            },
            new("--undelete-window", "undelete_window", "How long a deletion can be taken back: 7d; 0s for not at all.")
            {
                Mutable = true, Value = "TIME",
            },
            new("--delete-protected", "delete_protected", "Refuse to delete it.") { Mutable = true },
            new("--keep-disk", "keep_disk", "When its hypervisor is lost, wait for that rather than begin anew without the disk.")
            {
                Mutable = true,
            },
            Fields.DisplayName, Fields.Labels,
        ],
        Life = Life.Server,
        Extra = Commands,
    };

    static IEnumerable<Command> Commands(Noun noun, App app) =>
    [
        Power(noun, app, "start", "Start a stopped or failed server.", "READY"),
        Power(noun, app, "stop", "Shut a server down.", "STOPPED"),
        Power(noun, app, "restart", "Restart a server.", "READY"),
        .. ServerChanges.Commands(noun, app),
        ServerSnapshots.Command(noun, app),
        .. ServerRescue.Commands(noun, app),
        .. ServerPorts.Commands(noun, app),
        ServerReach.Of(noun, app),
        Migrate(noun, app),
        Events(noun, app),
        Ssh(noun, app),
        ServerLogins.Of(noun, app),
        .. ConsoleCommands.Commands(noun, app),
    ];

    /// <summary>A port's description: <c>default,address=10.64.0.9,sg=web</c>.</summary>
    static async ValueTask<JsonNode?> NetworkAsync(Run run, string text)
    {
        var parts = text.Split(',');
        var groups = new JsonArray();
        var network = new JsonObject { ["network"] = await run.ExpandAsync(Catalog.Network, parts[0]) };
        foreach (var part in parts[1..])
            switch (part.Split('=', 2))
            {
                case ["address", var address]:
                    network["address"] = address;
                    break;
                case ["sg" or "security-group", var group]:
                    groups.Add((JsonNode)await run.ExpandAsync(Catalog.SecurityGroup, group));
                    break;
                default:
                    throw new UsageException($"--network does not know '{part}'.", "Write NAME[,address=A][,sg=G].");
            }
        if (groups.Count > 0)
            network["security_groups"] = groups;
        return network;
    }

    static Command Power(Noun noun, App app, string verb, string about, string state)
    {
        var command = new Command(verb, about);
        var name = NounCommand.Name(noun, app);
        var hard = new Option<bool>("--hard") { Description = "Switch it off without asking the guest." };
        command.Arguments.Add(name);
        if (verb != "start")
            command.Options.Add(hard);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var method = noun.Service.FindMethodByName(char.ToUpperInvariant(verb[0]) + verb[1..] + "Server");
            var request = Messages.New(method.InputType);
            Messages.Set(request, "name", await run.ExpandAsync(noun, run.Line.GetValue(name)!));
            if (verb != "start")
                Messages.Set(request, "hard", run.Line.GetValue(hard));
            Mutation.Apply(run, request);
            var server = await run.Calls.UnaryAsync(method, request, run.Cancel);
            if (Mutation.Waits(run))
                server = await Waiter.WaitAsync(run, noun, server, new Goal(States: [state])) ?? server;
            Printer.Write(run, noun, server);
            return ExitCode.Done;
        });
    }

    static Command Migrate(Noun noun, App app)
    {
        var command = new Command("migrate", "Move a server to another hypervisor, running or stopped, with its addresses.");
        var name = NounCommand.Name(noun, app);
        var to = new Option<string>("--to") { Description = "Where to. Default: the best other one.", HelpName = "HYPERVISOR" };
        to.CompletionSources.Add(app.NamesOf(() => Catalog.Hypervisor));
        var abort = new Option<bool>("--abort") { Description = "Give a migration up instead; the server stays where it is." };
        command.Arguments.Add(name);
        command.Options.Add(to);
        command.Options.Add(abort);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var (target, aborts) = (run.Line.GetValue(to) ?? "", run.Line.GetValue(abort));
            if (aborts && target.Length > 0)
                throw new UsageException("--abort takes no --to.", "Leave --to away.");
            var method = noun.Service.FindMethodByName(aborts ? "AbortMigration" : "MigrateServer");
            var request = Messages.New(method.InputType);
            Messages.Set(request, "name", await run.ExpandAsync(noun, run.Line.GetValue(name)!));
            if (target.Length > 0)
                Messages.Set(request, "target_hypervisor", await run.ExpandAsync(Catalog.Hypervisor, target));
            Mutation.Apply(run, request);
            var server = await run.Calls.UnaryAsync(method, request, run.Cancel);
            if (Mutation.Waits(run))
                server = await Waiter.WaitAsync(run, noun, server, aborts ? Goal.GiveUp : Goal.Migrate) ?? server;
            Printer.Write(run, noun, server);
            return ExitCode.Done;
        });
    }

    static Command Events(Noun noun, App app)
    {
        var command = new Command("events", "Show what was done to a server, step by step, as a waterfall.");
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        command.Options.Add(List.Limit);
        return app.Does(command, async run =>
        {
            var server = await run.ExpandAsync(noun, run.Line.GetValue(name)!);
            var (events, all) = await List.PagesAsync(run, noun.Service.FindMethodByName("ListServerEvents"), server);
            switch (run.Settings.Output)
            {
                case OutputFormat.Json:
                    run.Around.Out.WriteLine(Printer.Json(all));
                    break;
                case OutputFormat.Yaml:
                    run.Around.Out.Write(Printer.Yaml(all));
                    break;
                default:
                    var now = run.Around.Time.GetUtcNow();
                    foreach (var line in Waterfall.Lines(
                        [.. events.Cast<ServerEvent>()], now, run.Around.Width, run.Around.Ink))
                        run.Around.Out.WriteLine(line);
                    break;
            }
            return ExitCode.Done;
        });
    }

    static Command Ssh(Noun noun, App app)
    {
        var command = new Command("ssh", "Log in with your own keys; `monolith ssh` does by a certificate. What follows -- is given to ssh.");
        var name = NounCommand.Name(noun, app);
        var user = new Option<string>("--login", "-L")
        {
            Description = "The login name.",
            DefaultValueFactory = _ => "root",
        };
        var rest = new Argument<string[]>("ARGS") { Description = "For ssh.", Arity = ArgumentArity.ZeroOrMore };
        command.Arguments.Add(name);
        command.Arguments.Add(rest);
        command.Options.Add(user);
        return app.Does(command, async run =>
        {
            var server = (Server)await Show.GetAsync(run, noun, run.Line.GetValue(name)!);
            var host = await ReachAsync(server, run.Cancel)
                ?? throw new UsageException(
                    $"{server.Name} has no address yet.", $"`monolith server events {server.Name}` shows why.");
            return Exec.Replace("ssh", ["-o", "ConnectTimeout=10", $"{run.Line.GetValue(user)}@{host}", .. run.Line.GetValue(rest) ?? []],
                "Install OpenSSH's client (apt install openssh-client).");
        });
    }

    // The name survives a new address; it is of use only where this machine's resolver knows the cloud's zone.
    static async Task<string?> ReachAsync(Server server, CancellationToken cancel)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(TimeSpan.FromSeconds(1));
            if (server.DnsName.Length > 0)
            {
                var found = await System.Net.Dns.GetHostAddressesAsync(server.DnsName, limit.Token);
                if (found.Any(address => server.Addresses.Contains(address.ToString())))
                    return server.DnsName;
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
        }
        return server.Addresses.FirstOrDefault();
    }
}
