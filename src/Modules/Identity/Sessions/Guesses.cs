using Monolith.Platform.Faults;

namespace Monolith.Identity.Sessions;

/// <summary>
/// Slows down who guesses passwords. An attempt counts as wrong from when it begins until it was right, so that many at once
/// gain nothing. After the first few, each doubles the time until the next is looked at:
/// <code>
///   of                            free    then                at most    one is forgotten each
///   a user, from one address         5    1 s, 2 s, 4 s …     15 min     15 min
///   an address, whoever's          100    1 s, 2 s, 4 s …      5 min     10 s: an office is one address
///   a user, from wherever          100    1 s, 2 s, 4 s …     30 s       30 s: nobody is locked out by strangers
/// </code>
/// Kept in memory, by each host for itself.
/// </summary>
internal sealed class Guesses(TimeProvider time)
{
    const int MostKept = 100_000;
    static readonly TimeSpan First = TimeSpan.FromSeconds(1);

    sealed record Limit(int Free, TimeSpan Longest, TimeSpan Forgets);

    static readonly Limit Pair = new(5, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(15)),
        Address = new(100, TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(10)), User = new(100, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30));

    /// <summary>What is counted; null: any.</summary>
    readonly record struct Key(string? User, string? Address)
    {
        public Limit Limit => User is null ? Guesses.Address : Address is null ? Guesses.User : Pair;

        public Key[] All => [this, this with { User = null }, this with { Address = null }];
    }

    sealed class Count(Limit limit)
    {
        int wrong;
        DateTimeOffset since;

        public DateTimeOffset Last { get; private set; }

        public DateTimeOffset Next { get; private set; }

        public bool IsNothing(DateTimeOffset now)
        {
            Forget(now);
            return wrong == 0;
        }

        public void Add(DateTimeOffset now)
        {
            Forget(now);
            if (wrong == 0) since = now;
            var over = ++wrong - limit.Free;
            (Last, Next) = (now, over < 0 ? default : now + TimeSpan.FromTicks(Math.Min(limit.Longest.Ticks, First.Ticks << Math.Min(over, 20))));
        }

        /// <summary>It was no guess.</summary>
        public void TakeBack()
        {
            wrong = Math.Max(0, wrong - 1);
            if (wrong < limit.Free) Next = default;
        }

        void Forget(DateTimeOffset now)
        {
            var some = (int)Math.Min(wrong, (now - since) / limit.Forgets);
            if (some <= 0) return;
            wrong -= some;
            since += some * limit.Forgets;
        }
    }

    readonly Dictionary<Key, Count> counts = [];

    /// <summary>Somebody tries. To be told when it was right, or came to nothing.</summary>
    /// <param name="address">A neighbourhood of addresses.</param>
    /// <exception cref="Fault">RESOURCE_EXHAUSTED: it is too soon.</exception>
    public Attempt Begin(string user, string address)
    {
        var key = new Key(user, address);
        var now = time.GetUtcNow();
        lock (counts)
        {
            var wait = key.All.Max(k => counts.TryGetValue(k, out var count) ? count.Next - now : TimeSpan.Zero);
            if (wait > TimeSpan.Zero)
                throw Fault.Exhausted("TOO_MANY_GUESSES", $"There were too many wrong passwords. The next is looked at in {Math.Ceiling(wait.TotalSeconds)} seconds; "
                    + "an administrator of the cloud can set a new one.", wait);
            foreach (var counted in key.All)
            {
                if (!counts.TryGetValue(counted, out var count))
                {
                    if (counts.Count >= MostKept) Tidy(now);
                    counts[counted] = count = new(counted.Limit);
                }
                count.Add(now);
            }
        }
        return new(isRight => End(key, isRight));
    }

    void Tidy(DateTimeOffset now)
    {
        foreach (var (key, _) in counts.Where(c => c.Value.IsNothing(now)).ToList()) counts.Remove(key);
        foreach (var (key, _) in counts.OrderBy(c => c.Value.Last).Take(counts.Count - MostKept * 9 / 10).ToList()) counts.Remove(key);
    }

    /// <summary>What was guessed before the right one was the same person's, or is of no use any more. What others tried elsewhere
    /// stays counted.</summary>
    void End(Key key, bool isRight)
    {
        lock (counts)
        {
            if (isRight) counts.Remove(key);
            foreach (var counted in key.All)
                if (counts.TryGetValue(counted, out var count)) count.TakeBack();
        }
    }

    internal sealed class Attempt(Action<bool> end)
    {
        public void Right() => end(true);

        /// <summary>It was not looked at.</summary>
        public void TakeBack() => end(false);
    }
}
