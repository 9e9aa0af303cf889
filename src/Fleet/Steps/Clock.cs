using Monolith.Fleet.Figures;
using Monolith.Fleet.Hosts;

namespace Monolith.Fleet.Steps;

/// <summary>Looks at a running step once a second: progress for people, points for the plots.</summary>
internal sealed class Clock
{
    static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    readonly Stage stage;
    readonly string step;
    readonly Samples? done;
    readonly int? of;

    Clock(Stage stage, string step, Samples? done, int? of) =>
        (this.stage, this.step, this.done, this.of) = (stage, step, done, of);

    /// <param name="done">What the step finishes, one by one; null when it is not of that kind.</param>
    /// <param name="of">How many there will be; null when that is not known.</param>
    public static Clock Of(Stage stage, string step, Samples? done = null, int? of = null) => new(stage, step, done, of);

    public async Task WhileAsync(Task work)
    {
        var before = done?.Count ?? 0;
        var (at, use) = (stage.Elapsed, Use());
        while (await Task.WhenAny(work, Task.Delay(Second)) != work)
        {
            var (now, nowUse) = (stage.Elapsed, Use());
            var seconds = (now - at).TotalSeconds;
            var line = $"{now.TotalSeconds,6:0} s  {step,-12}";
            if (done is not null)
            {
                var count = done.Count;
                var rate = (count - before) / seconds;
                stage.Board.Plot("rate", now, rate);
                line += of is null ? $" {count,7:N0}" : $" {count,7:N0} of {of:N0}";
                line += $"  {rate,5:0}/s";
                before = count;
            }
            // A host that was started anew has used less than the one before it.
            if (use is not null && nowUse is not null && nowUse.Processor >= use.Processor)
            {
                var cores = (nowUse.Processor - use.Processor).TotalSeconds / seconds;
                stage.Board.Plot("host_cores", now, cores);
                stage.Board.Plot("host_mib", now, nowUse.Bytes / 1048576.0);
                line += $"  host {cores:0.00} cores {nowUse.Bytes / 1048576.0:0} MiB";
            }
            var inSync = stage.Nodes.InSync;
            stage.Board.Plot("in_sync", now, inSync);
            if (inSync < stage.Nodes.Nodes.Count) line += $"  {inSync:N0} of {stage.Nodes.Nodes.Count:N0} agents in step";
            if (stage.Failings.Count > 0) line += $"  {stage.Failings.Count} failed";
            stage.Say(line);
            (at, use) = (now, nowUse);
        }
        await work;
    }

    ProcessUse? Use() => ProcessUse.Find(stage.Host.Pid);
}
