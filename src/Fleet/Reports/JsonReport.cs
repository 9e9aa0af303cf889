using System.Text.Json;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Scenarios;

namespace Monolith.Fleet.Reports;

/// <summary>A threshold of a run that is over. Immutable.</summary>
/// <param name="Text">As it was written.</param>
/// <param name="Holds">Null when its figure was not measured.</param>
internal sealed record Verdict(string Text, bool? Holds);

/// <summary>When a step began. Immutable.</summary>
/// <param name="From">Seconds since the run's beginning.</param>
internal sealed record Begun(string Step, double From);

/// <summary>Everything that a run found, for programs. Immutable.</summary>
internal sealed record JsonReport
{
    static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public string Scenario { get; init; } = "";

    public string About { get; init; } = "";

    public DateTimeOffset Began { get; init; }

    public double Seconds { get; init; }

    public bool Passed { get; init; }

    /// <summary>Why it ended early; null when it did not.</summary>
    public string? Ended { get; init; }

    public int Seed { get; init; }

    public int Hypervisors { get; init; }

    /// <summary>That the run was to create; <c>STEP.ready.count</c> says how many it did.</summary>
    public int Servers { get; init; }

    /// <summary>The size that the thresholds are for, in words; null when it is this one's.</summary>
    public string? GoalsFor { get; init; }

    public string Database { get; init; } = "";

    public Machine? Machine { get; init; }

    public IReadOnlyList<Verdict> Thresholds { get; init; } = [];

    public IReadOnlyList<TableRow> Table { get; init; } = [];

    public IReadOnlyList<Figure> Figures { get; init; } = [];

    public IReadOnlyList<string> Failings { get; init; } = [];

    public IReadOnlyList<Begun> Steps { get; init; } = [];

    /// <summary>Pairs of seconds since the run's beginning and value.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double[]>> Series { get; init; } =
        new Dictionary<string, IReadOnlyList<double[]>>();

    public static JsonReport Of(Findings findings) => new()
    {
        Scenario = findings.Scenario.Name,
        About = findings.Scenario.About,
        Began = findings.Began,
        Seconds = findings.Took.TotalSeconds,
        Passed = findings.Passed,
        Ended = findings.Ended,
        Seed = findings.Scenario.Fleet.Seed,
        Hypervisors = findings.Scenario.Fleet.Hypervisors,
        Servers = findings.Scenario.Servers,
        GoalsFor = findings.Scenario.GoalsFor,
        Database = findings.Scenario.Host.Database,
        Machine = findings.Machine,
        Thresholds = [.. findings.Scenario.Thresholds.Select(t => new Verdict(t.Text, t.Holds(findings.Figures)))],
        Table = findings.Scenario.Table,
        Figures = findings.Figures,
        Failings = findings.Failings,
        Steps = [.. findings.Steps.Select(s => new Begun(s.Step, s.From.TotalSeconds))],
        Series = findings.Series.ToDictionary(
            s => s.Key, s => (IReadOnlyList<double[]>)[.. s.Value.Select(p => new[] { p.At.TotalSeconds, p.Value })]),
    };

    /// <returns>The file's path.</returns>
    public static string Write(Findings findings, string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "report.json");
        File.WriteAllText(path, JsonSerializer.Serialize(Of(findings), Options));
        return path;
    }

    /// <param name="path">A report, or the directory where it is.</param>
    /// <exception cref="FormatException">There is none.</exception>
    public static JsonReport Read(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, "report.json") : path;
        try
        {
            return JsonSerializer.Deserialize<JsonReport>(File.ReadAllText(file), Options)
                ?? throw new FormatException($"{file}: it is empty");
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw new FormatException($"{file}: {e.Message}", e);
        }
    }
}
