using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Monolith.Platform.Faults;

namespace Monolith.Network.AddressPools;

internal static class AddressPoolRules
{
    public static readonly string[] Changeable = ["display_name", "labels", "prefixes", "exclusions"];

    const int MaxPrefixes = 256;
    const int MaxExclusions = 1024;

    // Not for a host's interface: RFC 1122, 3927, 5771, 4291.
    static readonly Cidr[] Unusable =
    [
        ReadPrefix("0.0.0.0/8"), ReadPrefix("127.0.0.0/8"), ReadPrefix("169.254.0.0/16"), ReadPrefix("224.0.0.0/3"),
        ReadPrefix("::/127"), ReadPrefix("fe80::/10"), ReadPrefix("ff00::/8"),
    ];

    public static void Check(CreateAddressPoolRequest request)
    {
        var violations = new Violations();
        violations.Id("address_pool_id", request.AddressPoolId);
        if (violations.Require(request.AddressPool is not null, "address_pool", "is required"))
        {
            var pool = request.AddressPool;
            violations.Require(Enum.IsDefined(pool.Purpose), "address_pool.purpose", "is not a known purpose");
            violations.DisplayName("address_pool.display_name", pool.DisplayName);
            violations.Labels("address_pool.labels", pool.Labels);
            CheckSpace(pool.Prefixes, pool.Exclusions, violations);
        }
        violations.ThrowIfAny();
    }

    /// <summary>Each prefix alone, and against its neighbours in the pool.</summary>
    public static void CheckSpace(IReadOnlyList<string> prefixes, IReadOnlyList<string> exclusions,
        Violations violations)
    {
        violations.Require(prefixes.Count is >= 1 and <= MaxPrefixes, "address_pool.prefixes",
            $"must have 1 to {MaxPrefixes} prefixes");
        violations.Require(exclusions.Count <= MaxExclusions, "address_pool.exclusions",
            $"must have at most {MaxExclusions}");
        var good = new List<Cidr>();
        for (var i = 0; i < prefixes.Count; i++)
        {
            var field = $"address_pool.prefixes[{i}]";
            if (!Cidr.TryParse(prefixes[i], out var cidr, out var problem))
            {
                violations.Add(field, problem);
                continue;
            }
            foreach (var bad in Unusable.Where(bad => bad.Overlaps(cidr)))
                violations.Add(field, $"holds addresses of {bad}, which no server can have");
            foreach (var other in good.Where(other => other.Overlaps(cidr)))
                violations.Add(field, $"overlaps {other} of the same pool");
            good.Add(cidr);
        }
        for (var i = 0; i < exclusions.Count; i++)
        {
            var field = $"address_pool.exclusions[{i}]";
            if (!TryReadExclusion(exclusions[i], out var range, out var problem)) violations.Add(field, problem);
            else violations.Require(good.Any(c => c.Range.First <= range.Last && range.First <= c.Last), field,
                "lies in none of the prefixes");
        }
    }

    /// <summary>Adds a violation for each prefix that another pool has.</summary>
    public static void CheckOverlaps(IReadOnlyList<string> prefixes, IEnumerable<AddressPoolRow> others,
        Violations violations)
    {
        var taken = others.SelectMany(o => o.Cidrs.Select(c => (o.Name, Cidr: c))).ToList();
        for (var i = 0; i < prefixes.Count; i++)
            foreach (var (name, cidr) in taken.Where(t => t.Cidr.Overlaps(ReadPrefix(prefixes[i]))))
                violations.Add($"address_pool.prefixes[{i}]", $"overlaps {cidr} of {name}");
    }

    /// <summary>The addresses to give: those of the prefixes without the exclusions.</summary>
    public static List<IpRange> Space(IEnumerable<string> prefixes, IEnumerable<string> exclusions) =>
        AddressSpace.Subtract(prefixes.Select(p => ReadPrefix(p).Range), exclusions.Select(ReadExclusion));

    /// <summary>A prefix that was checked.</summary>
    public static Cidr ReadPrefix(string text) =>
        Cidr.TryParse(text, out var cidr, out var problem) ? cidr : throw new FormatException($"{text} {problem}");

    static IpRange ReadExclusion(string text) => TryReadExclusion(text, out var range, out var problem)
        ? range
        : throw new FormatException($"{text} {problem}");

    static bool TryReadExclusion(string text, out IpRange range, out string problem)
    {
        range = default;
        if (text.Contains('/'))
        {
            var fine = Cidr.TryParse(text, out var cidr, out problem);
            if (fine) range = cidr.Range;
            return fine;
        }
        problem = "must be an address or a CIDR";
        if (!Ip.TryParse(text, out var ip)) return false;
        range = new(ip, ip);
        problem = $"must be written {ip}";
        return ip.ToString() == text;
    }
}
