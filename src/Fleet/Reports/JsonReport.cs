using System.Text.Json;

namespace Monolith.Fleet.Reports;

/// <summary>Everything that a run found, for programs.</summary>
internal static class JsonReport
{
    static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <returns>The file's path.</returns>
    public static string Write(Findings findings, string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "report.json");
        File.WriteAllText(path, JsonSerializer.Serialize(new
        {
            Scenario = findings.Scenario.Name,
            findings.Scenario.About,
            findings.Began,
            Seconds = findings.Took.TotalSeconds,
            findings.Passed,
            findings.Ended,
            findings.Scenario.Fleet.Seed,
            findings.Scenario.Fleet.Hypervisors,
            Thresholds = findings.Scenario.Thresholds.Select(t => new { t.Text, Holds = t.Holds(findings.Figures) }),
            findings.Figures,
            findings.Failings,
            Steps = findings.Steps.Select(s => new { s.Step, From = s.From.TotalSeconds }),
            Series = findings.Series.ToDictionary(
                s => s.Key, s => s.Value.Select(p => new[] { p.At.TotalSeconds, p.Value })),
        }, Options));
        return path;
    }
}
