using System.CommandLine;
using System.Text.Json.Nodes;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Network.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Addresses of a project that are no port's own: floating ones, and those that rules name together.</summary>
internal static class AddressNouns
{
    const string Target = "SERVER|ports/PORT";

    public static Noun Floating => new(
        "floating-address", Place.Project, FloatingAddressService.Descriptor, FloatingAddress.Descriptor)
    {
        About = "Addresses by which servers are reached from outside, and that move from one to another.",
        Aliases = ["floating-addresses", "fip"],
        Columns =
        [
            Column.Name, Column.State(), Column.Of("ADDRESS", "address"), Column.Reference("POOL", "address_pool"),
            new("TO", (message, _) => message is FloatingAddress { Port.Length: > 0 } address
                ? address.Owner.Length > 0 ? Names.Id(address.Owner) : "ports/" + Names.Id(address.Port)
                : ""),
            Column.Age,
        ],
        Fields =
        [
            new("--pool", "address_pool", "The pool. Default: the only one for floating addresses.")
            {
                Value = "POOL", Refers = () => Catalog.Pool,
            },
            new("--address", "address", "A particular address. Default: any.") { Value = "ADDRESS" },
            new("--to", "port", "The server that it leads to, by its first port; or a port. Empty: to none.")
            {
                Mutable = true, Value = Target, Refers = () => Catalog.Server,
                Parse = async (run, text) => JsonValue.Create(await PortAsync(run, text)),
            },
            Nouns.Fields.Labels,
        ],
        Life = Waiting.Life.FloatingAddress,
        Extra = (noun, app) => [Attach(noun, app), Detach(noun, app)],
    };

    public static Noun Set => new("address-set", Place.Project, AddressSetService.Descriptor, AddressSet.Descriptor)
    {
        About = "Prefixes under a name, for rules of security groups: tcp:22@set:NAME.",
        Aliases = ["address-sets"],
        Columns = [Column.Name, Column.Of("PREFIXES", "prefixes"), Column.Age],
        Fields =
        [
            new("--prefix", "prefixes", "A prefix in CIDR notation; on update, all prefixes anew.") { Mutable = true, Value = "CIDR" },
            Nouns.Fields.DisplayName, Nouns.Fields.Labels,
        ],
    };

    static async ValueTask<string> PortAsync(Run run, string text) => text switch
    {
        "" => "",
        _ when text.StartsWith("ports/", StringComparison.Ordinal) => await run.ExpandAsync(Catalog.Port, text["ports/".Length..]),
        _ when text.Contains("/ports/", StringComparison.Ordinal) => text,
        _ => await run.ExpandAsync(Catalog.Server, text),
    };

    static Command Attach(Noun noun, App app)
    {
        var command = new Command("attach", "Lead it to a server, from wherever it led before.");
        var name = NounCommand.Name(noun, app);
        var target = new Argument<string>(Target) { Description = "The server, by its first port; or a port." };
        target.CompletionSources.Add(app.NamesOf(() => Catalog.Server));
        command.Arguments.Add(name);
        command.Arguments.Add(target);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var port = await PortAsync(run, run.Line.GetValue(target)!);
            return await Edit.SendAsync<FloatingAddress>(run, noun, run.Line.GetValue(name)!, "port", f => f.Port = port);
        });
    }

    static Command Detach(Noun noun, App app)
    {
        var command = new Command("detach", "Keep it, and lead it nowhere.");
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, run =>
            Edit.SendAsync<FloatingAddress>(run, noun, run.Line.GetValue(name)!, "port", f => f.Port = ""));
    }
}
