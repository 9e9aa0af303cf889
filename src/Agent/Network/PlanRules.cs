using System.Net;
using System.Net.Sockets;

namespace Monolith.Agent.Network;

/// <summary>
/// What a plan must satisfy. It is the wall between the control plane's words and nftables' grammar: ids and names that
/// pass here hold nothing that the grammar could take for anything else.
/// </summary>
internal static class PlanRules
{
    private const int MinMtu = 1280, MaxMtu = 65521, MaxIdLength = 64;

    public static void Check(PortPlan plan, DataPlaneOptions options)
    {
        var violations = Violations(plan, options);
        if (violations.Count > 0)
            throw new InvalidPlanException($"port {Quote(plan.PortId)}", violations);
    }

    public static void Check(AddressSetPlan plan)
    {
        var violations = new List<string>();
        if (!IsId(plan.SetId))
            violations.Add($"set id must be 1-{MaxIdLength} of letters, digits, '-' and '_'");
        violations.AddRange(
            plan.Addresses.Where(a => !IsHost(a)).Select(a => $"{a} is not an address that a host can have"));
        if (plan.Prefixes is { } prefixes && (prefixes.Any(p => p.PrefixLength == 0) || plan.Addresses.Count > 0))
            violations.Add("a set of prefixes has no addresses and no prefix of length 0");
        if (violations.Count > 0)
            throw new InvalidPlanException($"address set {Quote(plan.SetId)}", violations);
    }

    internal static List<string> Violations(PortPlan plan, DataPlaneOptions options)
    {
        var violations = new List<string>();
        if (!IsId(plan.PortId))
            violations.Add($"port id must be 1-{MaxIdLength} of letters, digits, '-' and '_'");
        if (!IsTap(plan.TapName, options))
            violations.Add(
                $"tap name must be '{options.TapPrefix}' and more letters and digits, at most {TapName.MaxLength}");
        if (plan.Mac.Value == 0 || (plan.Mac.Value >> 40 & 1) == 1 || plan.Mac.Value > MacAddress.Broadcast.Value)
            violations.Add($"{plan.Mac} is not an address that an interface can have");
        if (plan.Mac == Gateway.Mac)
            violations.Add($"{plan.Mac} is the gateway's");
        if (plan.Mtu is < MinMtu or > MaxMtu)
            violations.Add($"MTU must be {MinMtu}-{MaxMtu}");
        if (plan.Addresses.Count == 0)
            violations.Add("at least one address is needed");
        violations.AddRange(
            plan.Addresses.Where(a => !IsHost(a)).Select(a => $"{a} is not an address that a server can have"));
        violations.AddRange(plan.AllowedPrefixes.Where(p => p.PrefixLength == 0)
            .Select(p => $"{p} is everybody's, and nothing that a server may send from"));
        violations.AddRange(plan.Translations.SelectMany(t => Violations(t, plan)));
        if (plan.UntranslatedPrefixes.Any(p => p.PrefixLength == 0))
            violations.Add("a prefix that is not translated must not be everything");
        if (plan.Aggregates.Any(p => p.PrefixLength == 0))
            violations.Add("a prefix that stands for addresses must not be everything");
        if (plan.EgressRate < 0 || plan.IngressRate < 0)
            violations.Add("a rate must not be negative");
        if (!IsDnsName(plan.Hostname, allowDots: false))
            violations.Add("hostname must be one DNS label");
        if (!IsDnsName(plan.Domain, allowDots: true))
            violations.Add("domain must be a DNS name");
        for (var i = 0; i < plan.Rules.Count; i++)
            violations.AddRange(Violations(plan.Rules[i]).Select(v => $"rule {i}: {v}"));
        return violations;
    }

    internal static bool IsId(string text) => text.Length is > 0 and <= MaxIdLength
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    internal static bool IsTap(string name, DataPlaneOptions options) =>
        name.StartsWith(options.TapPrefix, StringComparison.Ordinal)
        && name.Length > options.TapPrefix.Length
        && name.Length <= TapName.MaxLength
        && name.All(char.IsAsciiLetterOrDigit);

    private static IEnumerable<string> Violations(AddressTranslation translation, PortPlan plan)
    {
        if (!IsHost(translation.External))
            yield return $"{translation.External} is not an address that a server can have";
        if (!plan.Addresses.Contains(translation.Internal))
            yield return $"{translation.External} stands for {translation.Internal}, which is none of its addresses";
        if (translation.External.AddressFamily != translation.Internal.AddressFamily)
            yield return $"{translation.External} cannot stand for {translation.Internal}: they are of two families";
        if (plan.Addresses.Contains(translation.External))
            yield return $"{translation.External} is one of its own addresses";
    }

    private static IEnumerable<string> Violations(RuleSpec rule)
    {
        var hasPorts = rule.PortMin is not null || rule.PortMax is not null;
        if (hasPorts && rule.Protocol is not (RuleProtocol.Tcp or RuleProtocol.Udp))
            yield return "ports belong to TCP and UDP only";
        if (rule.PortMax is not null && rule.PortMin is null)
            yield return "a last port needs a first port";
        if (rule.PortMin is < 0 or > 65535 || rule.PortMax is < 0 or > 65535 || rule.PortMax < rule.PortMin)
            yield return "ports must be 0-65535, the first not above the last";
        if (rule.IcmpType is not null && rule.Protocol is not (RuleProtocol.Icmp or RuleProtocol.IcmpV6))
            yield return "an ICMP type belongs to ICMP and ICMPv6 only";
        if (rule.IcmpType is < 0 or > 255)
            yield return "an ICMP type must be 0-255";
        if (rule.RemotePrefix is not null && rule.RemoteSetId is not null)
            yield return "a remote is a prefix or a set, not both";
        if (rule.RemoteSetId is not null && !IsId(rule.RemoteSetId))
            yield return $"set id must be 1-{MaxIdLength} of letters, digits, '-' and '_'";
        if (rule.RemotePrefix is { } prefix && FamilyOf(rule.Protocol) is { } family
            && prefix.BaseAddress.AddressFamily != family)
            yield return $"{prefix} is not of the family of {rule.Protocol}";
        if (!Enum.IsDefined(rule.Direction) || !Enum.IsDefined(rule.Protocol))
            yield return "direction or protocol is unknown: the agent is older than the control plane";
    }

    /// <summary>The family that a protocol implies; null when it runs over both.</summary>
    internal static AddressFamily? FamilyOf(RuleProtocol protocol) => protocol switch
    {
        RuleProtocol.Icmp => AddressFamily.InterNetwork,
        RuleProtocol.IcmpV6 => AddressFamily.InterNetworkV6,
        _ => null,
    };

    private static bool IsHost(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return !address.IsIPv6LinkLocal && !address.IsIPv6Multicast && !address.IsIPv4MappedToIPv6
                && address.ScopeId == 0 && !IPAddress.IsLoopback(address) && !address.Equals(IPAddress.IPv6Any);
        }

        var bytes = address.GetAddressBytes();
        return bytes[0] is not (0 or 127) && bytes[0] < 224 && !(bytes[0] == 169 && bytes[1] == 254);
    }

    private static bool IsDnsName(string name, bool allowDots) => name.Length <= 253
        && (name.Length == 0 || name.Split('.').All(IsLabel))
            && (allowDots || !name.Contains('.', StringComparison.Ordinal));

    private static bool IsLabel(string label) => label.Length is > 0 and <= 63
        && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static string Quote(string text) => text.Length <= MaxIdLength ? $"'{text}'" : $"'{text[..MaxIdLength]}…'";
}
