using Monolith.Dns.RecordSets;
using Monolith.Dns.V1;
using Monolith.Platform.Faults;

namespace Monolith.Dns.Zones;

internal static class ZoneRules
{
    public const string SystemProject = "system";

    public static readonly string[] Changeable = ["labels", "default_ttl_seconds", "contact"];

    static readonly string[] Reverse = ["in-addr.arpa", "ip6.arpa"];

    public static void Check(CreateZoneRequest request, DnsOptions options)
    {
        var violations = new Violations();
        var ids = Platform.Names.ResourceName.Parse("projects/*", request.Parent, "parent", violations);
        violations.Id("zone_id", request.ZoneId);
        if (violations.Require(request.Zone is not null, "zone", "is required"))
        {
            var zone = request.Zone;
            if (CheckDomain(zone.Domain, violations) && ids is not null && ids[0] != SystemProject)
            {
                var kept = Reverse.Append(options.Domain).FirstOrDefault(d => IsIn(zone.Domain, d));
                violations.Require(kept is null, "zone.domain",
                    $"names under {kept} are kept by the system; choose a domain outside of it");
            }
            CheckFields(zone, violations);
        }
        violations.ThrowIfAny();
    }

    /// <summary>The fields that create and update have in common.</summary>
    public static void CheckFields(Zone zone, Violations violations)
    {
        violations.Require(zone.DefaultTtlSeconds is >= 0 and <= 86_400, "zone.default_ttl_seconds",
            "must be 1 to 86400 seconds, or 0 for the default");
        if (zone.Contact.Length > 0)
            violations.Require(IsMailbox(zone.Contact), "zone.contact",
                "must be a mailbox such as hostmaster@example.com");
        violations.Labels("zone.labels", zone.Labels);
    }

    public static bool IsIn(string name, string domain) =>
        name == domain || name.EndsWith("." + domain, StringComparison.Ordinal);

    /// <summary>The name's own domain and every domain above it, the longest first.</summary>
    public static List<string> Suffixes(string name)
    {
        var suffixes = new List<string> { name };
        for (var dot = name.IndexOf('.'); dot >= 0; dot = name.IndexOf('.', dot + 1)) suffixes.Add(name[(dot + 1)..]);
        return suffixes;
    }

    static bool CheckDomain(string domain, Violations violations)
    {
        if (!violations.Require(domain.Length > 0, "zone.domain", "is required")) return false;
        return violations.Require(domain.Length <= RecordSetRules.MaxName && domain.Split('.').All(RecordSetRules.IsLabel),
            "zone.domain", "must be labels of 1 to 63 lower-case letters, digits, hyphens and underscores, joined by "
            + "dots, without a trailing dot, at most 253 characters");
    }

    static bool IsMailbox(string contact)
    {
        var at = contact.LastIndexOf('@');
        return at is > 0 and <= 63 && contact[..at].All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '+')
            && contact.Length - at - 1 is > 0 and <= 180
            && contact[(at + 1)..].ToLowerInvariant().Split('.').All(RecordSetRules.IsLabel);
    }
}
