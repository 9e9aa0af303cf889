using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Network.V1;

namespace Monolith.Cli.Commands;

/// <summary><c>address history</c>: who held an address, or what somebody held.</summary>
internal static class AddressCommands
{
    static readonly Column[] Columns =
    [
        Column.Of("ADDRESS", "address"), Column.Reference("HOLDER", "owner"), Column.Time("FROM", "start_time"),
        new("UNTIL", (message, view) => message is AddressHold { EndTime: null }
            ? "now"
            : Column.Time("", "end_time").Text(message, view)),
    ];

    public static Command Of(App app)
    {
        var command = new Command("address", "Who holds which address, and who did.");
        command.Aliases.Add("addresses");
        command.Subcommands.Add(History(app));
        return command;
    }

    static Command History(App app)
    {
        var command = new Command("history", "List who held an address, newest first; or what somebody held.");
        var address = new Argument<string?>("ADDRESS")
        {
            Description = "The address.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var owner = new Option<string?>("--holder")
        {
            Description = "Instead: a server, port or load balancer in full (projects/demo/servers/web1), or projects/NAME.",
            HelpName = "NAME",
        };
        var at = new Option<string?>("--at")
        {
            Description = "Only who held it then: 2026-01-31T12:00:00Z, or 2h for two hours ago.",
            HelpName = "TIME",
        };
        command.Arguments.Add(address);
        command.Options.Add(owner);
        command.Options.Add(at);
        command.Options.Add(List.Limit);
        return app.Does(command, async run =>
        {
            var (ip, name) = (run.Line.GetValue(address) ?? "", run.Line.GetValue(owner) ?? "");
            if (ip.Length > 0 == name.Length > 0)
                throw new UsageException("Of which address?", "Say ADDRESS, or --holder NAME for what somebody held.");
            var request = new ListAddressHoldsRequest
            {
                Address = ip,
                Owner = name,
                At = run.Line.GetValue(at) is { } moment ? Timestamp.FromDateTimeOffset(Settings.ParseMoment(moment, run.Around.Time.GetUtcNow())) : null,
                PageSize = 1_000,
            };
            var method = AddressService.Descriptor.FindMethodByName("ListAddressHolds");
            var limit = run.Line.GetValue(List.Limit) is > 0 and var most ? most : int.MaxValue;
            var all = new ListAddressHoldsResponse();
            do
            {
                var page = await run.Calls.UnaryAsync<ListAddressHoldsResponse>(method, request, run.Cancel);
                all.AddressHolds.Add(page.AddressHolds.Take(limit - all.AddressHolds.Count));
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0 && all.AddressHolds.Count < limit);
            if (run.Settings.Output == OutputFormat.Name)
                foreach (var hold in all.AddressHolds)
                    run.Around.Out.WriteLine(ip.Length > 0 ? hold.Owner : hold.Address);
            else Printer.Write(run, Columns, [.. all.AddressHolds], all);
            return ExitCode.Done;
        });
    }
}
