using Monolith.Fleet.Hosts;

namespace Monolith.Fleet.Steps;

/// <summary>Nothing is asked; what the host uses meanwhile is measured.</summary>
public sealed record QuietStep : Step
{
    public TimeSpan For { get; init; } = TimeSpan.FromSeconds(30);

    internal override async Task RunAsync(Stage stage, CancellationToken cancel)
    {
        var before = stage.Host.Pid is { } pid ? ProcessUse.Of(pid) : null;
        var (messages, at) = (stage.Messages.Value, stage.Elapsed);
        await Clock.Of(stage, Name).WhileAsync(Task.Delay(For, cancel));
        var seconds = (stage.Elapsed - at).TotalSeconds;
        stage.Board.Add(Name + ".messages", (stage.Messages.Value - messages) / seconds, "/s");
        if (before is null) return;
        var after = ProcessUse.Of(stage.Host.Pid!.Value);
        stage.Board.Add(Name + ".host_cpu", (after.Processor - before.Processor).TotalSeconds / seconds * 100, "%");
        stage.Board.Add(Name + ".host_memory", after.Bytes / 1048576.0, "MiB");
    }
}
