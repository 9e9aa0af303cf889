using Monolith.Agent.Emulated;

namespace Monolith.Fleet.Nodes;

/// <summary>What the nodes are like. Immutable.</summary>
public sealed record FleetShape
{
    public int Hypervisors { get; init; } = 1200;

    public int LoadBalancers { get; init; }

    /// <summary>Availability zones <c>zone1</c> and on; racks are dealt out to them in turn.</summary>
    public int Zones { get; init; } = 3;

    /// <summary>Hypervisors are dealt out to racks in turn.</summary>
    public int Racks { get; init; } = 30;

    public int Cpus { get; init; } = 64;

    public int MemoryMib { get; init; } = 262_144;

    public int DiskGib { get; init; } = 4_000;

    /// <summary>Median time from a guest's start to its first answer.</summary>
    public TimeSpan Boot { get; init; }

    /// <summary>Standard deviation of the logarithm of boot times; 0: all alike.</summary>
    public double BootSpread { get; init; }

    /// <summary>Until QEMU runs.</summary>
    public TimeSpan Start { get; init; }

    public TimeSpan Disk { get; init; }

    /// <summary>To fetch an image that a node has not got.</summary>
    public TimeSpan Image { get; init; }

    public TimeSpan Shutdown { get; init; }

    public Failures Failures { get; init; } = new();

    public SlowNodes Slow { get; init; } = new();

    public Disconnects Disconnects { get; init; } = new();

    public ClockShape Clock { get; init; } = new();

    /// <summary>Joins at a time.</summary>
    public int JoinsAtOnce { get; init; } = 16;

    /// <summary>The same seed gives the same nodes.</summary>
    public int Seed { get; init; } = 1;

    internal string Rack(int index) => $"rack{index % Racks + 1}";

    internal string Zone(int index) => $"zone{index % Racks % Zones + 1}";

    internal Emulation Emulation(int index, bool slow)
    {
        var times = slow ? Slow.Times : 1;
        return new Emulation
        {
            Seed = unchecked(Seed * 1_000_003 + index),
            BootMedian = Boot * times,
            BootSpread = BootSpread,
            StartLatency = Start * times,
            DiskLatency = Disk * times,
            ImageLatency = Image * times,
            ShutdownLatency = Shutdown * times,
            StartFailures = Failures.Start,
            ImageFailures = Failures.Image,
            SilentGuests = Failures.Silent,
        };
    }
}

/// <summary>Parts of 1 that fail. Immutable.</summary>
public sealed record Failures
{
    /// <summary>Starts of QEMU.</summary>
    public double Start { get; init; }

    /// <summary>Fetches of an image.</summary>
    public double Image { get; init; }

    /// <summary>Guests that never answer.</summary>
    public double Silent { get; init; }
}

/// <summary>Nodes that do everything late. Immutable.</summary>
public sealed record SlowNodes
{
    /// <summary>Of all nodes, 0 to 1.</summary>
    public double Part { get; init; }

    /// <summary>How many times longer everything takes there.</summary>
    public double Times { get; init; } = 10;

    /// <summary>How much later each of their messages reaches the host.</summary>
    public TimeSpan Delay { get; init; }
}

/// <summary>Connections that break by themselves. Immutable.</summary>
public sealed record Disconnects
{
    /// <summary>Mean time between two of one node; zero: none.</summary>
    public TimeSpan Every { get; init; }
}

/// <summary>The nodes' clock beside the host's. Immutable.</summary>
public sealed record ClockShape
{
    public double Speed { get; init; } = 1;

    /// <summary>Ahead of the host's.</summary>
    public TimeSpan Offset { get; init; }
}
