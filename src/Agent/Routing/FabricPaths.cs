using System.Net;

namespace Monolith.Agent.Routing;

/// <summary>A route to an address of ours that is not ours.</summary>
/// <param name="Session">Who told of it.</param>
/// <param name="Origin">Where it begins, as the daemon prints it: <c>AS65112</c>.</param>
internal sealed record OtherOrigin(IPAddress Address, string Session, string Origin);

/// <summary>How the fabric and this machine's addresses find each other, by the routing daemon. Immutable.</summary>
internal sealed record FabricPaths
{
    public static FabricPaths None { get; } = new();

    public IReadOnlyList<BgpSession> Sessions { get; init; } = [];

    /// <summary>Host addresses that go out, by the name of the established session.</summary>
    public IReadOnlyDictionary<string, IReadOnlySet<IPAddress>> Exports { get; init; } =
        new Dictionary<string, IReadOnlySet<IPAddress>>();

    /// <summary>Of the addresses that were asked about.</summary>
    public IReadOnlyList<OtherOrigin> Others { get; init; } = [];

    /// <summary>Why nothing is known; empty when it is.</summary>
    public string Problem { get; init; } = "";
}
