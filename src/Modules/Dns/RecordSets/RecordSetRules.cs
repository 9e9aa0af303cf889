using System.Text.RegularExpressions;
using Monolith.Dns.Serving;
using Monolith.Dns.V1;
using Monolith.Platform.Faults;

namespace Monolith.Dns.RecordSets;

/// <summary>What is wrong with a record set, by itself (RFC 1035, 2181; what depends on other records is the
/// service's).</summary>
internal static partial class RecordSetRules
{
    public const int MaxName = 253;
    const int MaxValues = 100;
    const int MaxData = 32_768;
    const int MaxTtl = 604_800;

    public static readonly string[] Changeable = ["ttl_seconds", "values"];

    public static bool IsLabel(string label) => LabelPattern().IsMatch(label);

    /// <summary>Checks a new record set.</summary>
    /// <returns>Canonical values.</returns>
    public static List<string> Check(RecordSet set, Violations violations)
    {
        CheckDomain(set.Domain, violations);
        var known = violations.Require(RecordType.Known.ContainsKey(set.Type), "record_set.type",
            "must be one of " + string.Join(", ", RecordType.Known.Keys));
        CheckTtl(set.TtlSeconds, violations);
        if (set.Type is "CNAME" or "NS")
            violations.Require(set.Domain != "@", "record_set.domain", set.Type == "NS"
                ? "the zone's own name servers are kept by the system; NS records delegate names below the zone's"
                : "a zone's own name cannot be an alias: it has SOA and NS records");
        if (set.Type == "NS")
            violations.Require(!set.Domain.StartsWith('*'), "record_set.domain", "a wildcard cannot be delegated");
        return known ? CheckValues(set.Type, set.Values, violations) : [];
    }

    public static void CheckTtl(int seconds, Violations violations) => violations.Require(
        seconds is >= 0 and <= MaxTtl, "record_set.ttl_seconds", $"must be 1 to {MaxTtl} seconds, or 0 for the zone's default");

    /// <returns>Canonical values.</returns>
    public static List<string> CheckValues(string type, IReadOnlyList<string> values, Violations violations)
    {
        var canonical = new List<string>();
        violations.Require(values.Count is >= 1 and <= MaxValues, "record_set.values", $"must be 1 to {MaxValues} values");
        if (type == "CNAME")
            violations.Require(values.Count <= 1, "record_set.values", "an alias has one target");
        var size = 0;
        for (var i = 0; i < Math.Min(values.Count, MaxValues); i++)
        {
            var value = RecordData.Parse(type, values[i]);
            if (!violations.Require(value.Error is null, $"record_set.values[{i}]", "must be " + value.Error)) continue;
            if (violations.Require(!canonical.Contains(value.Text!), $"record_set.values[{i}]", "is there already"))
                canonical.Add(value.Text!);
            size += value.Data!.Length + 12;
        }
        violations.Require(size <= MaxData, "record_set.values", $"must fit into {MaxData} octets together");
        return canonical;
    }

    static void CheckDomain(string domain, Violations violations)
    {
        var labels = domain.StartsWith("*.", StringComparison.Ordinal) ? domain[2..] : domain;
        violations.Require(domain is "@" or "*" || domain.Length is > 0 and <= MaxName && labels.Split('.').All(IsLabel),
            "record_set.domain", "must be relative to the zone: labels of 1 to 63 lower-case letters, digits, hyphens and "
            + "underscores, joined by dots, the first one possibly '*'; or '@' for the zone itself");
    }

    [GeneratedRegex(@"\A[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\z")]
    private static partial Regex LabelPattern();
}
