using System.Net;

namespace Monolith.Agent.Network;

/// <summary>What is the same for every port of a machine. Immutable.</summary>
public sealed record DataPlaneOptions
{
    public const string DefaultTapPrefix = "vt";

    /// <summary>Every interface whose name begins so is a guest's and is ours to filter and to remove.</summary>
    public string TapPrefix { get; init; } = DefaultTapPrefix;

    /// <summary>
    /// Interfaces that lead to the fabric. Guests are forwarded to these and to each other, nowhere else.
    /// </summary>
    public string UplinkPrefix { get; init; } = "up";

    /// <summary>
    /// Prefixes to which no guest may open a connection, whatever its rules say: management, loopbacks of the fabric.
    /// A guest may answer: load-balancer nodes connect to it from their loopbacks.
    /// </summary>
    public IReadOnlyList<IPNetwork> ProtectedPrefixes { get; init; } = [];

    /// <summary>Time that a guest may keep its lease, to the second.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the machine is read again and put right, in case a notification was lost.</summary>
    public TimeSpan RescanEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Namespace to work in (<c>/run/netns/x</c>); null is the process's own.</summary>
    public string? NamespacePath { get; init; }
}
