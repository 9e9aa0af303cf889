using System.Globalization;
using Monolith.Cli.Session;

namespace Monolith.Cli.Waiting;

/// <summary>A line for each change, with the time since the wait began: for logs and pipes.</summary>
internal sealed class LineProgress(Surroundings around, string title) : Progress
{
    readonly long began = around.Time.GetTimestamp();
    readonly Dictionary<string, string> shown = [];
    string state = "";

    public override void Show(Frame frame)
    {
        foreach (var step in frame.Steps)
        {
            var text = Describe(step);
            if (text.Length == 0 || (shown.TryGetValue(step.Name, out var before) && before == text))
                continue;
            shown[step.Name] = text;
            Write($"{step.Name} {text}");
        }
        if (frame.State.Length == 0 || frame.State == state)
            return;
        Write(state.Length == 0 ? frame.State : $"{state} -> {frame.State}");
        state = frame.State;
    }

    static string Describe(Step step) => step switch
    {
        { Done: true } => "done" + Seconds(step.Took),
        { Failed: true } => $"failed{Seconds(step.Took)}: {step.Cause}",
        { Cause.Length: > 0 } => $"waits: {step.Cause}",
        _ => "",
    };

    static string Seconds(TimeSpan? took) =>
        took is { } span ? span.TotalSeconds.ToString(" '('0.000 's)'", CultureInfo.InvariantCulture) : "";

    void Write(string text)
    {
        var elapsed = around.Time.GetElapsedTime(began).TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);
        around.Error.WriteLine($"{elapsed,8}s  {title}  {text}");
        around.Error.Flush();
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
