namespace Monolith.Simulation.Tests.Faults;

/// <summary>Where something of a process gets out of it, so that others may differ from it when it dies there.</summary>
internal enum Boundary
{
    /// <summary>What the host writes to a database, and an agent to its disk.</summary>
    Commit,
    /// <summary>What the process sends or takes: clients' calls, and either way of the streams between host and agents.</summary>
    Message,
}

/// <summary>What crossing a boundary comes to.</summary>
internal enum Crossing
{
    Done,
    /// <summary>It is refused; the process lives.</summary>
    Refused,
    /// <summary>The process dies, and nothing is written, sent or taken.</summary>
    DiesBefore,
    /// <summary>It is on the disk, with the other end, or dealt with; the process dies, and nobody is told.</summary>
    DiesAfter,
}

/// <summary>One death, at a boundary of one sort that is counted from 1.</summary>
/// <param name="module">The host's commits: of that module; empty: of any.</param>
internal sealed class Shot(Boundary boundary, int number, Crossing death, string module = "")
{
    int left = number;

    public bool IsFired => left == 0;

    public Crossing Cross(Boundary at, string what)
    {
        if (IsFired || at != boundary || module.Length > 0 && module != what) return Crossing.Done;
        return --left > 0 ? Crossing.Done : death;
    }

    public override string ToString() => $"{death} {boundary} {module} {left}";
}
