using System.CommandLine;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Dns.V1;

namespace Monolith.Cli.Nouns;

/// <summary>
/// Record sets, whose name is made of owner name and type: <c>record create www A 10.64.0.3 --zone corp</c>.
/// </summary>
internal static class RecordCommands
{
    public static Noun Noun => new("record", Place.Zone, RecordSetService.Descriptor, RecordSet.Descriptor)
    {
        About = "DNS records.",
        Aliases = ["records", "record-set"],
        Columns =
        [
            Column.Name, Column.Of("DOMAIN", "domain"), Column.Of("TYPE", "type"), Column.Number("TTL", "ttl_seconds"),
            Column.Of("VALUES", "values"), Column.Reference("OWNER", "owner"), Column.Age,
        ],
        Fields =
        [
            new("--value", "values", "A value; all of them anew.") { Mutable = true, Value = "VALUE" },
            new("--ttl", "ttl_seconds", "Seconds.") { Mutable = true, Value = "N" },
        ],
        Without = ["Create"],
        ImpliedName = (parent, record) =>
            $"{parent}/recordSets/{Api.Messages.Text(record, "domain")}.{Api.Messages.Text(record, "type")}",
        Extra = (noun, app) => [Create(noun, app)],
    };

    static Command Create(Noun noun, App app)
    {
        var command = new Command("create", "Create a record set.");
        var domain = new Argument<string>("DOMAIN") { Description = "Relative to the zone; @ for the zone itself." };
        var type = new Argument<string>("TYPE") { Description = "A, AAAA, CNAME, MX, NS, PTR, SRV, TXT or CAA." };
        var values = new Argument<string[]>("VALUE")
        {
            Description = "In zone file format.",
            Arity = ArgumentArity.OneOrMore,
        };
        var ttl = new Option<int>("--ttl") { Description = "Seconds. Default: the zone's.", HelpName = "N" };
        type.CompletionSources.Add("A", "AAAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT", "CAA");
        foreach (var argument in new Argument[] { domain, type, values })
            command.Arguments.Add(argument);
        command.Options.Add(ttl);
        command.Options.Add(Mutation.ExistOk);
        Parents.AddTo(command, noun.Place);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, run => Verbs.Create.SendAsync(run, noun, null, new RecordSet
        {
            Domain = run.Line.GetValue(domain)!,
            Type = run.Line.GetValue(type)!.ToUpperInvariant(),
            Values = { run.Line.GetValue(values) ?? [] },
            TtlSeconds = run.Line.GetValue(ttl),
        }));
    }
}
