using System.Globalization;
using Monolith.Fleet.Figures;

namespace Monolith.Fleet.Probing;

/// <summary>
/// A change that each watcher is to be told of. It counts for the round that made it, however late the word of it
/// comes. Safe for concurrent use.
/// </summary>
/// <param name="samples">Gets one of each watcher.</param>
internal sealed class Change(Timekeeper times, Samples samples, int watchers)
{
    readonly long made = times.Clock.GetTimestamp();
    readonly bool[] told = new bool[watchers];
    readonly TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int left = watchers;

    /// <summary>What the changed server is called: when it was made.</summary>
    public string Mark => made.ToString(CultureInfo.InvariantCulture);

    /// <param name="watcher">From 0. Who is told again, of what else became of the server, counts once.</param>
    public void Tell(int watcher)
    {
        lock (told)
        {
            if (told[watcher]) return;
            told[watcher] = true;
            times.Answered(samples, "change", made);
            if (--left == 0) all.TrySetResult();
        }
    }

    /// <summary>Waits until all are told; who is not by the deadline counts as having waited that long.</summary>
    /// <param name="deadline">From when it was made.</param>
    public async Task EndAsync(TimeSpan deadline)
    {
        var rest = deadline - times.Clock.GetElapsedTime(made);
        if (rest > TimeSpan.Zero) await Task.WhenAny(all.Task, Task.Delay(rest, times.Clock));
        lock (told)
        {
            for (; left > 0; left--) samples.Add(deadline);
            told.AsSpan().Fill(true);
        }
    }
}
