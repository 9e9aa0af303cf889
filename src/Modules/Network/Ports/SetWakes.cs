namespace Monolith.Network.Ports;

/// <summary>
/// Tells of changed address sets, each at once when it was quiet, and then at most once in a while: a group that grows
/// by hundreds of ports a second costs its hypervisors a few messages a second, and no change is told later than that.
/// </summary>
internal sealed class SetWakes(TimeProvider time, Action<Guid> tell)
{
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    sealed class Entry
    {
        public bool Again;
        public ITimer? Timer;
    }

    readonly Lock gate = new();
    readonly Dictionary<Guid, Entry> resting = [];

    /// <summary>The set changed. Never blocks.</summary>
    public void Wake(Guid set)
    {
        lock (gate)
        {
            if (resting.TryGetValue(set, out var entry))
            {
                entry.Again = true;
                return;
            }
            entry = resting[set] = new Entry();
            entry.Timer = time.CreateTimer(_ => Rested(set), null, Pause, Timeout.InfiniteTimeSpan);
        }
        tell(set);
    }

    void Rested(Guid set)
    {
        lock (gate)
        {
            if (!resting.TryGetValue(set, out var entry)) return;
            if (!entry.Again)
            {
                entry.Timer!.Dispose();
                resting.Remove(set);
                return;
            }
            entry.Again = false;
            entry.Timer!.Change(Pause, Timeout.InfiniteTimeSpan);
        }
        tell(set);
    }
}
