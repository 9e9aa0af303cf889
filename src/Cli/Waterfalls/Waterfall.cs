using System.Globalization;
using Monolith.Cli.Session;
using Monolith.Compute.V1;
using Outcome = Monolith.Compute.V1.ServerEvent.Types.Outcome;

namespace Monolith.Cli.Waterfalls;

/// <summary>A bar: where it begins and how long it is, in columns of the chart.</summary>
internal readonly record struct Bar(int Offset, int Length);

/// <summary>
/// What was done to a server, as bars on one time axis for each operation:
/// <code>
///   create                                    3.412 s
///     PortsClaimed  ▇                         0.004 s  network
///     Placed         ▇                        0.011 s  compute
///     Running          ▇▇▇▇▇▇▇▇▇▇▇▇           2.100 s  agent hv1
/// </code>
/// </summary>
internal static class Waterfall
{
    const int LeastChart = 10;

    /// <summary>
    /// Scales spans of time to a chart. Every bar has at least one column and none reaches past the chart's end; order
    /// in time is order in columns.
    /// </summary>
    /// <param name="spans">Begin and end of each; an end before its begin counts as its begin.</param>
    /// <param name="width">Columns of the chart, at least 1.</param>
    public static IReadOnlyList<Bar> Lay(IReadOnlyList<(DateTimeOffset Begin, DateTimeOffset End)> spans, int width)
    {
        if (spans.Count == 0)
            return [];
        var first = spans.Min(span => span.Begin);
        var last = spans.Max(span => span.End > span.Begin ? span.End : span.Begin);
        var total = Math.Max((last - first).Ticks, 1);
        return [.. spans.Select(span =>
        {
            var offset = Math.Min((int)((double)(span.Begin - first).Ticks / total * width), width - 1);
            var length = (int)Math.Round((double)Math.Max((span.End - span.Begin).Ticks, 0) / total * width);
            return new Bar(offset, Math.Clamp(length, 1, width - offset));
        })];
    }

    /// <param name="events">In any order.</param>
    /// <param name="now">The end of what is under way.</param>
    /// <param name="width">Columns of a line. Causes stand on lines of their own and may be longer.</param>
    /// <param name="ink">Paint.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<ServerEvent> events, DateTimeOffset now, int width, Ink ink)
    {
        foreach (var operation in Operations(events))
            foreach (var line in Lines(operation, events, now, width, ink))
                yield return line;
    }

    // A server is started and stopped many times: an operation is a run of steps with one name, not all of that name.
    static List<List<ServerEvent>> Operations(IReadOnlyList<ServerEvent> events)
    {
        var operations = new List<List<ServerEvent>>();
        foreach (var step in events.Where(step => step.StartTime is not null)
            .OrderBy(step => step.StartTime.ToDateTimeOffset()))
        {
            if (operations.LastOrDefault(list => list[0].Operation == step.Operation) is not { } open
                || open.Any(other => other.Step == step.Step && other.Component == step.Component))
                operations.Add(open = []);
            open.Add(step);
        }
        return operations;
    }

    static IEnumerable<string> Lines(
        List<ServerEvent> steps, IReadOnlyList<ServerEvent> all, DateTimeOffset now, int width, Ink ink)
    {
        var spans = steps.Select(step => (Begin(step), End(step, now))).ToList();
        var names = all.Max(step => step.Step.Length);
        var components = all.Max(step => step.Component.Length);
        var chart = Math.Max(width - names - components - 20, LeastChart);
        var bars = Lay(spans, chart);
        var total = spans.Max(span => span.Item2) - spans.Min(span => span.Item1);
        var head = steps[0].Operation.PadRight(names + 4 + chart);
        yield return $"{ink.Bold(head)}  {Seconds(total),11}  "
            + ink.Dim(Begin(steps[0]).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        for (var i = 0; i < steps.Count; i++)
        {
            var step = steps[i];
            var bar = Paint(step.Outcome, new string(step.Outcome == Outcome.Running ? '░' : '▇', bars[i].Length), ink);
            var after = new string(' ', chart - bars[i].Offset - bars[i].Length);
            var took = Seconds(spans[i].Item2 - spans[i].Item1) + (step.Outcome == Outcome.Running ? "+" : " ");
            yield return $"  {step.Step.PadRight(names)}  {new string(' ', bars[i].Offset)}{bar}{after}  {took,11}  "
                + ink.Dim(step.Component);
            if (Cause(step) is { Length: > 0 } cause)
                yield return new string(' ', names + 4)
                    + (step.Outcome == Outcome.Failed ? ink.Red("✗ " + cause) : ink.Dim(cause));
        }
    }

    static DateTimeOffset Begin(ServerEvent step) => step.StartTime.ToDateTimeOffset();

    static DateTimeOffset End(ServerEvent step, DateTimeOffset now)
    {
        var end = step.Duration is null ? now : Begin(step) + step.Duration.ToTimeSpan();
        return end < Begin(step) ? Begin(step) : end;
    }

    static string Cause(ServerEvent step) => (step.Reason, step.Message) switch
    {
        ("", var message) => message,
        (var reason, "") => reason,
        var (reason, message) => $"{reason}: {message}",
    };

    static string Paint(Outcome outcome, string bar, Ink ink) => outcome switch
    {
        Outcome.Failed => ink.Red(bar),
        Outcome.Running => ink.Yellow(bar),
        _ => ink.Green(bar),
    };

    static string Seconds(TimeSpan span) => span.TotalSeconds.ToString("0.000' s'", CultureInfo.InvariantCulture);
}
