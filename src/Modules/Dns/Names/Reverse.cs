using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Monolith.Dns.Names;

/// <summary>Where an address's PTR record lies: a zone for each /24 (RFC 1035, 3.5) or /64 (RFC 3596, 2.5).</summary>
/// <param name="ZoneId">The last part of the zone's resource name.</param>
/// <param name="ZoneDomain"><c>0.64.10.in-addr.arpa</c></param>
/// <param name="Domain">Relative to the zone.</param>
internal readonly record struct Reverse(string ZoneId, string ZoneDomain, string Domain)
{
    public static Reverse Of(IPAddress address)
    {
        var octets = address.GetAddressBytes();
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return new($"reverse-{octets[0]}-{octets[1]}-{octets[2]}",
                $"{octets[2]}.{octets[1]}.{octets[0]}.in-addr.arpa", octets[3].ToString(CultureInfo.InvariantCulture));
        var digits = Convert.ToHexStringLower(octets);
        return new("reverse-" + digits[..16], Nibbles(digits[..16]) + ".ip6.arpa", Nibbles(digits[16..]));
    }

    static string Nibbles(string digits) => string.Join('.', digits.Reverse());
}
