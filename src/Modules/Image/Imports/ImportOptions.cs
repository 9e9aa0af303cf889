using System.Net;

namespace Monolith.Image.Imports;

/// <summary>How images are fetched from where a user says. Immutable.</summary>
public sealed record ImportOptions
{
    /// <summary>Prefixes that may be fetched from although they are not public addresses.</summary>
    public IReadOnlyList<IPNetwork> Allow { get; init; } = [];

    /// <summary>The largest file that is fetched, in bytes; a request may say less.</summary>
    public long MaxBytes { get; init; } = 1L << 40;

    /// <summary>Imports at a time; the others wait.</summary>
    public int AtOnce { get; init; } = 4;

    /// <summary>How long it is tried.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromHours(6);

    /// <summary>How long the other side may be silent.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After the first failure; doubles with each that follows without a byte in between.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LastPause { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How often progress is written down: what came before it survives.</summary>
    public TimeSpan ProgressEvery { get; init; } = TimeSpan.FromSeconds(2);
}
