using System.CommandLine;
using System.Net;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Network.V1;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Cli.Nouns;

/// <summary>Why one server does not reach another.</summary>
internal static class ServerReach
{
    static readonly Column[] Hops =
    [
        Column.Enum("PLACE", "stage"), Column.State("verdict"), Column.Of("WHY", "reason"), Column.Reference("OF", "resource"),
        Column.Of("WHAT IS SO", "message"),
    ];

    public static Command Of(Noun noun, App app)
    {
        var command = new Command("reach",
            "Whether a packet gets from one server to another, and where it dies. Sends none; ends with 1 if it dies.");
        var (from, to) = (End("SOURCE", "from"), End("DESTINATION", "to"));
        var tcp = new Option<int?>("--tcp") { Description = "To this TCP port. Default: ping.", HelpName = "PORT" };
        var udp = new Option<int?>("--udp") { Description = "To this UDP port.", HelpName = "PORT" };
        var six = new Option<bool>("--ipv6") { Description = "Over IPv6. Default: IPv4 where both have it." };
        foreach (var argument in new[] { from, to }) command.Arguments.Add(argument);
        foreach (var option in new Option[] { tcp, udp, six }) command.Options.Add(option);
        return app.Does(command, async run =>
        {
            var (tcpPort, udpPort) = (run.Line.GetValue(tcp), run.Line.GetValue(udp));
            if (tcpPort is not null && udpPort is not null)
                throw new UsageException("TCP or UDP?", "Say --tcp PORT or --udp PORT, or neither for ping.");
            var request = new ExplainReachabilityRequest
            {
                Source = await NameAsync(run, noun, run.Line.GetValue(from)!),
                Destination = await NameAsync(run, noun, run.Line.GetValue(to)!),
                Protocol = tcpPort is not null ? Protocol.Tcp : udpPort is not null ? Protocol.Udp : Protocol.Icmp,
                Port = tcpPort ?? udpPort ?? 0,
                IpVersion = run.Line.GetValue(six) ? 6 : 0,
            };
            request.Parent = ProjectOf(request.Source) ?? ProjectOf(request.Destination) ?? await run.ParentAsync(noun);
            var answer = await run.Calls.UnaryAsync<ExplainReachabilityResponse>(
                ReachabilityService.Descriptor.FindMethodByName("ExplainReachability"), request, run.Cancel);
            Printer.Write(run, Hops, [.. answer.Hops], answer);
            return answer.Verdict == Verdict.Drops ? ExitCode.Failed : ExitCode.Done;
        });

        Argument<string> End(string name, string word)
        {
            var argument = new Argument<string>(name) { Description = $"The server, port or address that it goes {word}." };
            argument.CompletionSources.Add(app.NamesOf(() => noun));
            return argument;
        }
    }

    static async ValueTask<string> NameAsync(Run run, Noun noun, string text) =>
        IPAddress.TryParse(text, out _) || text.StartsWith("projects/", StringComparison.Ordinal) ? text : await run.ExpandAsync(noun, text);

    static string? ProjectOf(string name) =>
        name.Split('/') is ["projects", var project, ..] ? "projects/" + project : null;
}
