using Monolith.Platform.Faults;

namespace Monolith.Identity.Sessions;

/// <summary>
/// Slows down who guesses passwords. An attempt counts as wrong from when it begins until it was right, so that many at once
/// gain nothing. After the first few, each doubles the time until the next is looked at:
/// <code>
///   of                            free    then                for how long
///   a user, from one address         5    1 s, 2 s, 4 s …     at most 15 min
///   an address, whoever's           30    1 s, 2 s, 4 s …     at most 15 min
///   a user, from wherever          100    1 s, 2 s, 4 s …     at most 30 s: nobody is locked out by strangers
/// </code>
/// Kept in memory, by each host for itself, and forgotten an hour after the last.
/// </summary>
internal sealed class Guesses(TimeProvider time)
{
    const int MostKept = 100_000;
    static readonly TimeSpan Forgotten = TimeSpan.FromHours(1), First = TimeSpan.FromSeconds(1);

    sealed record Limit(int Free, TimeSpan Longest);

    static readonly Limit Pair = new(5, TimeSpan.FromMinutes(15)), Address = new(30, TimeSpan.FromMinutes(15)),
        User = new(100, TimeSpan.FromSeconds(30));

    /// <summary>What is counted; null: any.</summary>
    readonly record struct Key(string? User, string? Address)
    {
        public Limit Limit => User is null ? Guesses.Address : Address is null ? Guesses.User : Pair;

        public Key[] All => [this, this with { User = null }, this with { Address = null }];
    }

    sealed class Count
    {
        public int Wrong;
        public DateTimeOffset Last, Next;
    }

    readonly Dictionary<Key, Count> counts = [];

    /// <summary>Somebody tries. To be told when it was right.</summary>
    /// <param name="address">A neighbourhood of addresses.</param>
    /// <exception cref="Fault">RESOURCE_EXHAUSTED: it is too soon.</exception>
    public Attempt Begin(string user, string address)
    {
        var key = new Key(user, address);
        var now = time.GetUtcNow();
        lock (counts)
        {
            var wait = key.All.Max(k => counts.TryGetValue(k, out var count) && now - count.Last < Forgotten ? count.Next - now : TimeSpan.Zero);
            if (wait > TimeSpan.Zero)
                throw Fault.Exhausted("TOO_MANY_GUESSES", $"There were too many wrong passwords. The next is looked at in {Math.Ceiling(wait.TotalSeconds)} seconds; "
                    + "an administrator of the cloud can set a new one.", wait);
            foreach (var counted in key.All) Add(counted, now);
        }
        return new(() => Right(key));
    }

    void Add(Key key, DateTimeOffset now)
    {
        if (!counts.TryGetValue(key, out var count) || now - count.Last >= Forgotten)
        {
            if (counts.Count >= MostKept) ForgetOldest();
            counts[key] = count = new();
        }
        count.Last = now;
        var over = ++count.Wrong - key.Limit.Free;
        if (over >= 0) count.Next = now + TimeSpan.FromTicks(Math.Min(key.Limit.Longest.Ticks, First.Ticks << Math.Min(over, 20)));
    }

    void ForgetOldest()
    {
        foreach (var (key, _) in counts.OrderBy(c => c.Value.Last).Take(MostKept / 10).ToList()) counts.Remove(key);
    }

    /// <summary>It was right: what was guessed before it was the same person's, or is of no use any more. What others tried
    /// elsewhere stays counted.</summary>
    void Right(Key key)
    {
        lock (counts)
        {
            counts.Remove(key);
            foreach (var common in key.All)
                if (counts.TryGetValue(common, out var count) && --count.Wrong <= 0) counts.Remove(common);
        }
    }

    internal sealed class Attempt(Action right)
    {
        public void Right() => right();
    }
}
