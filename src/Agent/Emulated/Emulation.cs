namespace Monolith.Agent.Emulated;

/// <summary>How an emulated node behaves. Immutable. The same seed gives the same node.</summary>
public sealed record Emulation
{
    public int Seed { get; init; } = 1;

    /// <summary>Median time from the start of a guest to its first answer.</summary>
    public TimeSpan BootMedian { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// Spread of boots: standard deviation of the logarithm. 0: all alike; 0.5: one in 20 takes 2.3 medians.
    /// </summary>
    public double BootSpread { get; init; } = 0.3;

    /// <summary>Time until QEMU runs.</summary>
    public TimeSpan StartLatency { get; init; } = TimeSpan.FromMilliseconds(40);

    public TimeSpan DiskLatency { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Time to fetch an image that the node does not have yet.</summary>
    public TimeSpan ImageLatency { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan ShutdownLatency { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Time that a guest needs from one node to another.</summary>
    public TimeSpan MigrationLatency { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>Time to copy a disk.</summary>
    public TimeSpan SnapshotLatency { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Part of the copies of disks that fail, 0 to 1.</summary>
    public double SnapshotFailures { get; init; }

    /// <summary>Part of the migrations that fail on the way, 0 to 1.</summary>
    public double MigrationFailures { get; init; }

    /// <summary>Part of the starts that fail, 0 to 1.</summary>
    public double StartFailures { get; init; }

    /// <summary>Part of the image fetches that fail, 0 to 1.</summary>
    public double ImageFailures { get; init; }

    /// <summary>Part of the guests that never answer, 0 to 1.</summary>
    public double SilentGuests { get; init; }

    /// <summary>BGP sessions of the node.</summary>
    public int Peers { get; init; } = 2;

    public static Emulation Instant { get; } = new()
    {
        BootMedian = TimeSpan.Zero, BootSpread = 0, StartLatency = TimeSpan.Zero, DiskLatency = TimeSpan.Zero,
        ImageLatency = TimeSpan.Zero, ShutdownLatency = TimeSpan.Zero,
        MigrationLatency = TimeSpan.Zero, SnapshotLatency = TimeSpan.Zero,
    };
}

/// <summary>The dice and the clock of one node. Safe for concurrent use; a few dozen bytes.</summary>
internal sealed class Dice(Emulation emulation, TimeProvider time)
{
    // xorshift64*: System.Random keeps hundreds of bytes when it is seeded.
    private ulong state = ((ulong)(uint)emulation.Seed * 0x9E3779B97F4A7C15UL) | 1;

    public Emulation Emulation => emulation;

    public DateTimeOffset Now => time.GetUtcNow();

    public TimeProvider Time => time;

    /// <summary>In [0, 1).</summary>
    public double Next()
    {
        ulong before, after;
        do
        {
            before = Volatile.Read(ref state);
            after = before;
            after ^= after >> 12;
            after ^= after << 25;
            after ^= after >> 27;
        }
        while (Interlocked.CompareExchange(ref state, after, before) != before);
        return (after * 0x2545F4914F6CDD1DUL >> 11) / (double)(1UL << 53);
    }

    public bool Falls(double probability) => probability > 0 && Next() < probability;

    /// <summary>Lognormal (Box-Muller), capped at 20 medians.</summary>
    public TimeSpan Boot()
    {
        if (emulation.BootSpread <= 0) return emulation.BootMedian;
        var normal = Math.Sqrt(-2 * Math.Log(1 - Next())) * Math.Cos(2 * Math.PI * Next());
        return emulation.BootMedian * Math.Min(20, Math.Exp(emulation.BootSpread * normal));
    }

    public Task WaitAsync(TimeSpan latency, CancellationToken cancellation) =>
        latency <= TimeSpan.Zero ? Task.CompletedTask : Task.Delay(latency, time, cancellation);
}
