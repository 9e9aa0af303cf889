using System.Globalization;
using System.Net;
using Monolith.Cli.Session;
using Monolith.Network.V1;
using Direction = Monolith.Network.V1.SecurityRule.Types.Direction;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Cli.Nouns;

/// <summary>
/// A security rule as one word: <c>tcp:80</c>, <c>udp:5000-5010@10.0.0.0/8</c>, <c>icmp:8</c>, <c>egress:any@web</c>,
/// <c>tcp:22@set:offices</c>.
/// </summary>
internal static class RuleSyntax
{
    public const string Form = "[egress:]tcp|udp[:PORT[-PORT]]|icmp[:TYPE]|any[@CIDR|@GROUP|@set:SET]";

    /// <summary>Before the name of an address set.</summary>
    public const string SetPrefix = "set:";

    /// <param name="text">As above.</param>
    /// <param name="group">The other side's group, or <c>set:</c> and address set, as written, for the caller to expand; null for
    /// a prefix or anybody.</param>
    /// <exception cref="UsageException">Not a rule.</exception>
    public static SecurityRule Read(string text, out string? group)
    {
        group = null;
        var (what, remote) = text.Split('@', 2) is [var before, var after] ? (before, after) : (text, null);
        var rule = new SecurityRule { Direction = Direction.Ingress };
        var parts = what.Split(':').ToList();
        if (parts[0] is "egress" or "ingress")
        {
            rule.Direction = parts[0] == "egress" ? Direction.Egress : Direction.Ingress;
            parts.RemoveAt(0);
        }
        rule.Protocol = parts.FirstOrDefault() switch
        {
            "tcp" => Protocol.Tcp,
            "udp" => Protocol.Udp,
            "icmp" => Protocol.Icmp,
            "any" => Protocol.Any,
            _ => throw Wrong(text),
        };
        switch (parts.Count)
        {
            case 1:
                break;
            case 2 when rule.Protocol is Protocol.Tcp or Protocol.Udp:
                var ports = parts[1].Split('-', 2);
                rule.PortMin = Number(ports[0], 65_535, text);
                rule.PortMax = ports.Length == 2 ? Number(ports[1], 65_535, text) : rule.PortMin;
                break;
            case 2 when rule.Protocol == Protocol.Icmp:
                rule.IcmpType = Number(parts[1], 255, text);
                break;
            default:
                throw Wrong(text);
        }
        if (remote is null)
            return rule;
        if (IPNetwork.TryParse(remote, out _))
            rule.RemotePrefix = remote;
        else if (IPAddress.TryParse(remote, out var address))
            rule.RemotePrefix = $"{remote}/{(address.GetAddressBytes().Length == 4 ? 32 : 128)}";
        else if (remote.Length > 0)
            group = remote;
        else
            throw Wrong(text);
        return rule;
    }

    public static string Write(SecurityRule rule)
    {
        var text = rule.Direction == Direction.Egress ? "egress:" : "";
        text += rule.Protocol.ToString().ToLowerInvariant();
        if (rule.HasIcmpType)
            text += $":{rule.IcmpType}";
        else if (rule.PortMin != 0 || rule.PortMax != 0)
            text += rule.PortMin == rule.PortMax ? $":{rule.PortMin}" : $":{rule.PortMin}-{rule.PortMax}";
        return rule.RemoteCase switch
        {
            SecurityRule.RemoteOneofCase.RemotePrefix => $"{text}@{rule.RemotePrefix}",
            SecurityRule.RemoteOneofCase.RemoteGroup => $"{text}@{Names.Id(rule.RemoteGroup)}",
            SecurityRule.RemoteOneofCase.RemoteAddressSet => $"{text}@{SetPrefix}{Names.Id(rule.RemoteAddressSet)}",
            _ => text,
        };
    }

    static int Number(string text, int most, string whole) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw Wrong(whole);

    static UsageException Wrong(string text) =>
        new($"'{text}' is not a rule.", $"Write {Form}, for example tcp:443@10.0.0.0/8.");
}
