using System.Net;

namespace Monolith.Agent.Network;

/// <summary>What a guest sees of its hypervisor: the same addresses on every tap of every hypervisor.</summary>
internal static class Gateway
{
    public static readonly IPAddress Ipv4 = IPAddress.Parse("169.254.1.1");
    public static readonly IPAddress Ipv6 = IPAddress.Parse("fe80::1");
    public static readonly IPAddress Metadata = IPAddress.Parse("169.254.169.254");

    /// <summary>
    /// Locally administered; the same everywhere, so that a migrated guest's neighbour entry stays right.
    /// </summary>
    public static readonly MacAddress Mac = MacAddress.Parse("ee:ee:ee:ee:ee:ee");
}
