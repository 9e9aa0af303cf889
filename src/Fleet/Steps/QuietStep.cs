using Monolith.Fleet.Hosts;

namespace Monolith.Fleet.Steps;

/// <summary>Nothing is asked, not even by probes; what the host uses meanwhile is measured.</summary>
public sealed record QuietStep : Step
{
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Before that, not measured: what the step before it has left over is done meanwhile.</summary>
    public TimeSpan Settle { get; init; }

    internal override IEnumerable<string> Violations
    {
        get
        {
            if (For <= TimeSpan.Zero) yield return "for must be more than 0 s";
            if (Settle < TimeSpan.Zero) yield return "settle must not be less than 0 s";
        }
    }

    internal override bool IsProbed => false;

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        if (Settle > TimeSpan.Zero) await Clock.Of(stage, Name).WhileAsync(Task.Delay(Settle, cancel));
        var before = ProcessUse.Find(stage.Host.Pid);
        var (messages, at) = (stage.Messages.Value, stage.Elapsed);
        await Clock.Of(stage, Name).WhileAsync(Task.Delay(For, cancel));
        var seconds = (stage.Elapsed - at).TotalSeconds;
        stage.Board.Add(Name + ".messages", (stage.Messages.Value - messages) / seconds, "/s");
        if (before is null || ProcessUse.Find(stage.Host.Pid) is not { } after) return;
        stage.Board.Add(Name + ".host_cpu", (after.Processor - before.Processor).TotalSeconds / seconds * 100, "%");
        stage.Board.Add(Name + ".host_memory", after.Bytes / 1048576.0, "MiB");
    }
}
