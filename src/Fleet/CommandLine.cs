using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Probing;
using Monolith.Fleet.Reports;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet;

/// <summary><c>monolith-fleet</c>.</summary>
internal static class CommandLine
{
    const int Passed = 0, Missed = 1, Usage = 2;

    static readonly Argument<string> Which = new("scenario")
    {
        Description = "A scenario's name (see `list`), or a file of your own.",
    };

    static readonly Option<int?> Hypervisors = new("--hypervisors") { Description = "Instead of the scenario's number." };

    static readonly Option<int?> Servers = new("--servers")
    {
        Description = "Instead of the number that the scenario creates. Thresholds stay as they are.",
    };

    static readonly Option<string?> Deadline = new("--deadline")
    {
        Description = "The run ends after that time, such as '20 min', with what it has found until then.",
    };

    static readonly Option<int?> Seed = new("--seed") { Description = "Instead of the scenario's: other dice." };

    static readonly Option<string?> Program = new("--host-program")
    {
        Description = "The host to test. Default: the one beside this program, or MONOLITH_HOST_PROGRAM.",
    };

    static readonly Option<string[]> HostOptions = new("--host-option")
    {
        Description = "One more word for the host's command line, such as --postgres. May be given several times.",
        AllowMultipleArgumentsPerToken = false,
    };

    static readonly Option<string?> Report = new("--report")
    {
        Description = "A directory for the report: report.json and report.html.",
    };

    static readonly Option<string?> Directory = new("--directory")
    {
        Description = "Where host and nodes keep their files; removed at the end unless it is given.",
    };

    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Rehearse a fleet: thousands of emulated nodes, and a load for their host.");
        var run = new Command("run", "Play a scenario against a host of its own, and say whether its thresholds hold.")
        {
            Which, Hypervisors, Servers, Seed, Deadline, Program, HostOptions, Report, Directory,
        };
        run.SetAction((parsed, cancel) => PlayAsync(parsed, cancel));
        var list = new Command("list", "The scenarios that come with the program.");
        list.SetAction(_ =>
        {
            foreach (var name in ScenarioFile.Shipped)
                Console.WriteLine($"{name,-22} {ScenarioFile.Read(name).About}");
        });
        var show = new Command("show", "A scenario's file, to begin one of your own with.") { Which };
        show.SetAction(parsed => Console.Write(ScenarioFile.Text(parsed.GetValue(Which)!)));
        root.Subcommands.Add(run);
        root.Subcommands.Add(list);
        root.Subcommands.Add(show);
        root.Subcommands.Add(ReportCommands.Table());
        root.Subcommands.Add(ReportCommands.Chart());
        var probe = new Command(Prober.Command, "The process that asks beside a run's steps.") { Hidden = true };
        probe.SetAction((_, _) => Prober.RunAsync(Console.In, Console.Out));
        root.Subcommands.Add(probe);
        return root.Parse(args).InvokeAsync();
    }

    static async Task<int> PlayAsync(ParseResult parsed, CancellationToken cancel)
    {
        var own = parsed.GetValue(Directory);
        var directory = own ?? System.IO.Directory.CreateTempSubdirectory("monolith-fleet-").FullName;
        try
        {
            var scenario = Changed(ScenarioFile.Read(parsed.GetValue(Which)!), parsed);
            if (ScenarioRules.Violations(scenario) is { Count: > 0 } wrong)
                throw new FormatException(string.Join('\n', wrong.Select(v => v.What)));
            var nodes = scenario.Fleet.Hypervisors + scenario.Fleet.LoadBalancers;
            if (Limits.Now().Violations(nodes).ToList() is { Count: > 0 } little)
                throw new InvalidOperationException(string.Join('\n', little));
            var program = ProgramOf(parsed);
            // There from the beginning: who finds it knows that the run did not come to say more.
            if (parsed.GetValue(Report) is { } early)
                JsonReport.Write(Without(scenario, TimeProvider.System.GetUtcNow(), "It was killed."), early);
            var findings = await FindAsync(scenario, program, parsed.GetValue(Deadline), directory, cancel);
            TextReport.Write(findings, Console.Out);
            if (parsed.GetValue(Report) is { } report)
            {
                JsonReport.Write(findings, report);
                Console.WriteLine(HtmlReport.Write(findings, Again(scenario, parsed), report));
            }
            return findings.Passed ? Passed : Missed;
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return Usage;
        }
        finally
        {
            if (own is null) System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    static async Task<Findings> FindAsync(
        Scenario scenario, string program, string? deadline, string directory, CancellationToken cancel)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (deadline is not null) late.CancelAfter(Durations.Parse(deadline));
        var began = TimeProvider.System.GetUtcNow();
        try
        {
            await using var host = await HostProcess.StartAsync(scenario.Host, program, directory, late.Token);
            var run = new Run(scenario, host, directory, NullLoggerFactory.Instance, Console.Error.WriteLine);
            var findings = await run.PlayAsync(late.Token);
            return findings.Ended is not null && IsLate() ? findings with { Ended = Late() } : findings;
        }
        catch (OperationCanceledException) when (IsLate())
        {
            return Without(scenario, began, Late());
        }
        catch (InvalidOperationException e)
        {
            // The host did not start: that is a finding too, and its report says it.
            return Without(scenario, began, e.Message);
        }

        bool IsLate() => late.IsCancellationRequested && !cancel.IsCancellationRequested;

        string Late() => $"It was not done within {deadline}.";
    }

    static Findings Without(Scenario scenario, DateTimeOffset began, string ended) => new(
        scenario, began, TimeSpan.Zero, [], new Dictionary<string, IReadOnlyList<Point>>(), [], [], ended)
    {
        Machine = Machine.Now(),
    };

    static string Again(Scenario scenario, ParseResult parsed)
    {
        string[] words =
        [
            "monolith-fleet", "run", parsed.GetValue(Which)!,
            "--hypervisors", scenario.Fleet.Hypervisors.ToString(CultureInfo.InvariantCulture),
            .. scenario.Servers == 0 ? (string[])[]
                : ["--servers", scenario.Servers.ToString(CultureInfo.InvariantCulture)],
            "--seed", scenario.Fleet.Seed.ToString(CultureInfo.InvariantCulture),
            .. (parsed.GetValue(HostOptions) ?? []).Select(o => "--host-option=" + o),
        ];
        return string.Join(' ', words.Select(Quoted));
    }

    static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_=./:,".Contains(c))
            ? word
            : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    static Scenario Changed(Scenario scenario, ParseResult parsed)
    {
        var sized = scenario.Sized(parsed.GetValue(Hypervisors), parsed.GetValue(Servers));
        return sized with
        {
            Fleet = sized.Fleet with { Seed = parsed.GetValue(Seed) ?? sized.Fleet.Seed },
            Host = sized.Host with { Options = [.. sized.Host.Options, .. parsed.GetValue(HostOptions) ?? []] },
        };
    }

    static string ProgramOf(ParseResult parsed)
    {
        string?[] candidates =
        [
            parsed.GetValue(Program), Environment.GetEnvironmentVariable("MONOLITH_HOST_PROGRAM"),
            Path.Combine(AppContext.BaseDirectory, "Monolith.Host"), Path.Combine(AppContext.BaseDirectory, "Monolith.Host.dll"),
        ];
        return candidates.FirstOrDefault(c => !string.IsNullOrEmpty(c) && File.Exists(c))
            ?? throw new InvalidOperationException(
                "There is no host to test: name one with --host-program or MONOLITH_HOST_PROGRAM.");
    }
}
