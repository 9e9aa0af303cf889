using System.Runtime.CompilerServices;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Events;

/// <summary>
/// A module's events in the order of their commits. Followers that keep up are served from memory; those that fell
/// behind, or begin in the past, from the table. A follower can be as slow as it likes and costs nobody anything.
/// </summary>
public sealed class EventFeed(string module, Func<long, int, CancellationToken, Task<List<EventRow>>> read)
{
    const int Kept = 4096;
    const int PageSize = 500;

    readonly Lock gate = new();
    // In order of sequence; the older half goes when there are twice as many as are kept.
    readonly List<EventRow> recent = [];
    TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long last;

    public string Module { get; } = module;

    /// <summary>The sequence of the newest event that this process knows of.</summary>
    public long Last
    {
        get
        {
            lock (gate) return last;
        }
    }

    /// <summary>Events up to this one are no longer in the table.</summary>
    public long TrimmedThrough { get; internal set; }

    internal void Start(long newest)
    {
        lock (gate) last = newest;
    }

    /// <summary>After a commit of this process. Rows are in order.</summary>
    internal void Publish(IReadOnlyList<EventRow> rows)
    {
        TaskCompletionSource wake;
        lock (gate)
        {
            // A gap is another replica's commit or a rolled-back number: memory must not pretend to be whole.
            if (rows[0].Sequence != last + 1) recent.Clear();
            recent.AddRange(rows);
            if (recent.Count > 2 * Kept) recent.RemoveRange(0, recent.Count - Kept);
            last = Math.Max(last, rows[^1].Sequence);
            (wake, changed) = (changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        wake.TrySetResult();
    }

    /// <summary>Another replica committed; followers look at the table.</summary>
    public void Nudge(long through)
    {
        TaskCompletionSource wake;
        lock (gate)
        {
            if (through <= last) return;
            recent.Clear();
            last = through;
            (wake, changed) = (changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        wake.TrySetResult();
    }

    /// <summary>Events after a sequence, in batches, for ever.</summary>
    public async IAsyncEnumerable<IReadOnlyList<EventRow>> FollowAsync(long after,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        while (true)
        {
            IReadOnlyList<EventRow>? batch = null;
            Task? wait = null;
            long known;
            lock (gate)
            {
                known = last;
                if (after >= last) wait = changed.Task;
                else if (recent.Count > 0 && recent[0].Sequence <= after + 1)
                {
                    var from = FirstAfter(after);
                    batch = recent.GetRange(from, Math.Min(PageSize, recent.Count - from));
                }
            }
            if (wait is not null)
            {
                await wait.WaitAsync(cancel);
                continue;
            }
            batch ??= await read(after, PageSize, cancel);
            if (batch.Count == 0)
            {
                // Numbers that were rolled back, or trimmed: nothing is there, and nothing will be. What was committed
                // since the look may be there all the same.
                after = Math.Max(after, known);
                continue;
            }
            after = batch[^1].Sequence;
            yield return batch;
        }
    }

    // Hundreds of followers look for their place after every commit.
    int FirstAfter(long sequence)
    {
        var (low, high) = (0, recent.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (recent[middle].Sequence > sequence) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
