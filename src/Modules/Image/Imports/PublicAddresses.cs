using System.Net;
using System.Net.Sockets;

namespace Monolith.Image.Imports;

/// <summary>
/// Which addresses the host connects to for a user. It stands where the user does not: behind the firewall, next to
/// metadata services, on its own loopback. So only addresses that the whole Internet reaches (IANA's special-purpose
/// registries, RFC 6890) are taken, and what the operators add. Pure.
/// </summary>
internal sealed class PublicAddresses(IReadOnlyList<IPNetwork> allowed)
{
    static readonly IPNetwork[] SpecialV4 =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
        }.Select(p => IPNetwork.Parse(p)),
    ];

    static readonly IPNetwork GlobalV6 = IPNetwork.Parse("2000::/3");

    // Documentation, IETF's own with Teredo, and 6to4: some of them carry another address inside.
    static readonly IPNetwork[] SpecialV6 =
        [.. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20" }.Select(p => IPNetwork.Parse(p))];

    public bool Allows(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (allowed.Any(p => p.Contains(address))) return true;
        return address.AddressFamily == AddressFamily.InterNetwork
            ? !SpecialV4.Any(p => p.Contains(address))
            : GlobalV6.Contains(address) && !SpecialV6.Any(p => p.Contains(address));
    }
}
