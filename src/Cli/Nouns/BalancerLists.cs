using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Lb.V1;

namespace Monolith.Cli.Nouns;

/// <summary>What is in a load balancer, a line for each: <c>lb member list NAME</c> and its like.</summary>
internal static class BalancerLists
{
    public static Command Members(Noun noun, App app) => Of(noun, app, "List members, and how they are.",
        ["POOL", "MEMBER", "TARGET", "PORT", "WEIGHT", "DRAIN", "HEALTH"],
        balancer => balancer.Pools.SelectMany(pool => pool.Members.Select(member => new[]
        {
            pool.Id, member.Id, member.Server.Length > 0 ? Names.Id(member.Server) : member.Address,
            Number(member.Port), Number(member.Weight), member.Drain ? "yes" : "no", Health(balancer, pool, member),
        })));

    public static Command Listeners(Noun noun, App app) => Of(noun, app, "List listeners.",
        ["LISTENER", "PROTOCOL", "PORT", "POOL"],
        balancer => balancer.Listeners.Select(one => new[]
        {
            one.Id, one.Protocol.ToString().ToUpperInvariant(), Number(one.Port), one.Pool,
        }));

    public static Command Pools(Noun noun, App app) => Of(noun, app, "List pools.",
        ["POOL", "ALGORITHM", "HEALTH CHECK", "MEMBERS"],
        balancer => balancer.Pools.Select(pool => new[]
        {
            pool.Id, Api.Messages.Enum(pool, "algorithm"), pool.HealthCheck is { } check ? Sheet.Brief(check) : "",
            Number(pool.Members.Count),
        }));

    // Nodes may differ in what they see; then each says so.
    static string Health(LoadBalancer balancer, Pool pool, Member member)
    {
        var views = balancer.MemberStatuses.Where(status => status.Pool == pool.Id && status.Member == member.Id)
            .ToList();
        var kinds = views.Select(view => Api.Messages.Enum(view, "health")).Distinct().ToList();
        return kinds.Count <= 1
            ? kinds.FirstOrDefault() ?? "UNKNOWN"
            : string.Join(" ", views.Select(view => $"{Names.Id(view.Node)}={Api.Messages.Enum(view, "health")}"));
    }

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    static Command Of(
        Noun noun, App app, string about, string[] titles, Func<LoadBalancer, IEnumerable<string[]>> rows)
    {
        var command = new Command("list", about);
        command.Aliases.Add("ls");
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        var columns = titles.Select(title => new Column(title, (_, _) => "")
        {
            IsState = title == "HEALTH",
            RightAligned = title is "PORT" or "WEIGHT" or "MEMBERS",
        }).ToList();
        return app.Does(command, async run =>
        {
            IMessage balancer = await Show.GetAsync(run, noun, run.Line.GetValue(name)!);
            if (run.Settings.Output != OutputFormat.Table)
                Printer.Write(run, noun, balancer);
            else
                foreach (var line in Table.Lines(columns, [.. rows((LoadBalancer)balancer)], run.Around.Ink))
                    run.Around.Out.WriteLine(line);
            return ExitCode.Done;
        });
    }
}
