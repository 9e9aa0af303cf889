using System.Runtime.CompilerServices;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Events;

/// <summary>
/// A module's events in the order of their commits. Followers that keep up are served from memory; those that fell
/// behind, or begin in the past, from the table. A follower can be as slow as it likes and costs nobody anything.
/// </summary>
public sealed class EventFeed(string module, Func<long, int, CancellationToken, Task<List<EventRow>>> read)
{
    const int Kept = 1024;
    const int PageSize = 500;

    readonly Lock gate = new();
    // In order of sequence; the older half goes when there are twice as many as are kept.
    readonly List<EventRow> recent = [];
    readonly HashSet<Waiter> waiting = [];
    long last;

    /// <summary>A follower that has seen all there is, until there is something for it.</summary>
    sealed class Waiter(long through, Predicate<EventRow>? wants)
    {
        readonly TaskCompletionSource wake = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>There is nothing for it up to here.</summary>
        public long Through { get; set; } = through;

        public Task Woken => wake.Task;

        public void Wake() => wake.TrySetResult();

        public bool IsFor(IReadOnlyList<EventRow> rows)
        {
            if (wants is null) return true;
            foreach (var row in rows)
                if (wants(row)) return true;
            return false;
        }
    }

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
        lock (gate)
        {
            // A gap is another replica's commit or a rolled-back number: memory must not pretend to be whole.
            var isWhole = rows[0].Sequence == last + 1;
            if (!isWhole) recent.Clear();
            // Later ones are known of already, and memory would lack those between.
            if (rows[^1].Sequence > last) recent.AddRange(rows);
            if (recent.Count > 2 * Kept) recent.RemoveRange(0, recent.Count - Kept);
            last = Math.Max(last, rows[^1].Sequence);
            waiting.RemoveWhere(w =>
            {
                if (isWhole && !w.IsFor(rows))
                {
                    w.Through = Math.Max(w.Through, last);
                    return false;
                }
                w.Wake();
                return true;
            });
        }
    }

    /// <summary>Another replica committed; followers look at the table.</summary>
    public void Nudge(long through)
    {
        lock (gate)
        {
            if (through <= last) return;
            recent.Clear();
            last = through;
            foreach (var waiter in waiting) waiter.Wake();
            waiting.Clear();
        }
    }

    /// <summary>Events after a sequence, in batches, for ever.</summary>
    /// <param name="wants">What the follower is woken for: hundreds wait, and a commit is the business of few. Asked by the
    /// writer, with a lock held: it must be quick, and must not throw. Batches have other events too. Null: all of them.</param>
    public async IAsyncEnumerable<IReadOnlyList<EventRow>> FollowAsync(long after,
        [EnumeratorCancellation] CancellationToken cancel, Predicate<EventRow>? wants = null)
    {
        while (true)
        {
            IReadOnlyList<EventRow>? batch = null;
            Waiter? wait = null;
            long known;
            lock (gate)
            {
                known = last;
                if (after >= last) waiting.Add(wait = new Waiter(after, wants));
                else if (recent.Count > 0 && recent[0].Sequence <= after + 1)
                {
                    var from = FirstAfter(after);
                    batch = recent.GetRange(from, Math.Min(PageSize, recent.Count - from));
                }
            }
            if (wait is not null)
            {
                after = await WaitAsync(wait, cancel);
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

    /// <returns>From where the follower goes on.</returns>
    async Task<long> WaitAsync(Waiter waiter, CancellationToken cancel)
    {
        try
        {
            await waiter.Woken.WaitAsync(cancel);
        }
        finally
        {
            lock (gate) waiting.Remove(waiter);
        }
        return waiter.Through;
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
