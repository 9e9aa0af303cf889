using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Reports;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet;

/// <summary><c>monolith fleet</c>.</summary>
internal static class CommandLine
{
    const int Passed = 0, Missed = 1, Usage = 2;

    static readonly Argument<string> Which = new("scenario")
    {
        Description = "A scenario's name (see `list`), or a file of your own.",
    };

    static readonly Option<int?> Hypervisors = new("--hypervisors") { Description = "Instead of the scenario's number." };

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
            Which, Hypervisors, Seed, Program, HostOptions, Report, Directory,
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
            await using var host = await HostProcess.StartAsync(scenario.Host, ProgramOf(parsed), directory, cancel);
            var run = new Run(scenario, host, directory, NullLoggerFactory.Instance, Console.Error.WriteLine);
            var findings = await run.PlayAsync(cancel);
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

    static string Again(Scenario scenario, ParseResult parsed)
    {
        string[] words =
        [
            "monolith", "fleet", "run", parsed.GetValue(Which)!,
            "--hypervisors", scenario.Fleet.Hypervisors.ToString(CultureInfo.InvariantCulture),
            "--seed", scenario.Fleet.Seed.ToString(CultureInfo.InvariantCulture),
            .. (parsed.GetValue(HostOptions) ?? []).Select(o => "--host-option=" + o),
        ];
        return string.Join(' ', words.Select(Quoted));
    }

    static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_=./:,".Contains(c)) ? word : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    static Scenario Changed(Scenario scenario, ParseResult parsed) => scenario with
    {
        Fleet = scenario.Fleet with
        {
            Hypervisors = parsed.GetValue(Hypervisors) ?? scenario.Fleet.Hypervisors,
            Seed = parsed.GetValue(Seed) ?? scenario.Fleet.Seed,
        },
        Host = scenario.Host with { Options = [.. scenario.Host.Options, .. parsed.GetValue(HostOptions) ?? []] },
    };

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
