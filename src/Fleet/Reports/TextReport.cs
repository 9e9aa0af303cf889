using System.Globalization;

namespace Monolith.Fleet.Reports;

/// <summary>Figures and verdict for a terminal.</summary>
internal static class TextReport
{
    public static void Write(Findings findings, TextWriter to)
    {
        foreach (var figure in findings.Figures)
            to.WriteLine($"{figure.Name,-36} {Number(figure.Value),12} {figure.Unit}");
        foreach (var failing in findings.Failings) to.WriteLine($"failed: {failing}");
        foreach (var threshold in findings.Scenario.Thresholds)
        {
            var verdict = threshold.Holds(findings.Figures) switch
            {
                true => "met",
                false => "MISSED",
                null => "NOT MEASURED",
            };
            to.WriteLine($"{verdict,-12} {threshold.Text}");
        }
        if (findings.Ended is { } why) to.WriteLine($"It ended early: {why}");
        to.WriteLine(findings.Passed ? "PASSED" : "NOT PASSED");
    }

    internal static string Number(double value) => value.ToString(
        Math.Abs(value) >= 100 ? "#,0" : "0.##", CultureInfo.InvariantCulture);
}
