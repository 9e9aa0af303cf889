using System.CommandLine;
using Monolith.Fleet.Reports;

namespace Monolith.Fleet;

/// <summary><c>monolith-fleet table</c> and <c>chart</c>: what is made of reports afterwards.</summary>
internal static class ReportCommands
{
    const int Done = 0, Missing = 1, Usage = 2;

    public static Command Table()
    {
        var reports = Reports("Reports, or their directories; the second and further ones are compared to the first.");
        var markdown = new Option<bool>("--markdown") { Description = "As a table for a README." };
        var table = new Command("table", "Figure, goal and verdict of a run, or of several side by side.")
        {
            reports, markdown,
        };
        table.SetAction(parsed => Told(() =>
        {
            var read = parsed.GetValue(reports)!.Select(JsonReport.Read).ToList();
            Console.Write(new FigureTable(read).Text(parsed.GetValue(markdown)));
            return read.Any(r => r.Ended is not null || r.Thresholds.Any(t => t.Holds is null)) ? Missing : Done;
        }));
        return table;
    }

    public static Command Chart()
    {
        var reports = Reports("Reports of the scenarios scale-agents and scale-servers, or their directories.");
        var to = new Option<string>("--to") { Description = "The directory for the SVG files.", Required = true };
        var csv = new Option<string?>("--csv") { Description = "A file for all figures of all points." };
        var chart = new Command("chart", "Draws the points of bench/scale.") { reports, to, csv };
        chart.SetAction(parsed => Told(() =>
        {
            var read = parsed.GetValue(reports)!.Select(JsonReport.Read).ToList();
            var directory = Directory.CreateDirectory(parsed.GetValue(to)!).FullName;
            foreach (var (file, drawn) in ScaleCharts.Of(read))
            {
                File.WriteAllText(Path.Combine(directory, file), drawn.Svg());
                Console.WriteLine(Path.Combine(directory, file));
            }
            if (parsed.GetValue(csv) is { } path) File.WriteAllText(path, ScaleCharts.Csv(read));
            return Done;
        }));
        return chart;
    }

    static Argument<string[]> Reports(string description) =>
        new("reports") { Description = description, Arity = ArgumentArity.OneOrMore };

    static int Told(Func<int> act)
    {
        try
        {
            return act();
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine(e.Message);
            return Usage;
        }
    }
}
