namespace Monolith.Fleet.Hosts;

/// <summary>How the host under test runs. Immutable.</summary>
public sealed record HostShape
{
    /// <summary>More options of its command line, one a word.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Where the host keeps its rows, for people.</summary>
    internal string Database =>
        Options.Any(o => o == "--postgres" || o.StartsWith("--postgres=", StringComparison.Ordinal))
            ? "PostgreSQL"
            : "SQLite";

    /// <summary>How long a start may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(120);
}
