using Google.Protobuf.WellKnownTypes;
using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Network.AddressPools;

internal static class AddressPoolRules
{
    public static readonly string[] Changeable = ["display_name", "labels", "prefixes", "exclusions", "quarantine", "announcement"];

    static readonly TimeSpan LongestQuarantine = TimeSpan.FromDays(30);
    public const int MaxPrefixes = 256;
    public const int MaxExclusions = 1024;

    // Not for a host's interface: RFC 1122, 3927, 5771, 4291.
    static readonly Cidr[] Unusable =
    [
        ReadPrefix("0.0.0.0/8"), ReadPrefix("127.0.0.0/8"), ReadPrefix("169.254.0.0/16"), ReadPrefix("224.0.0.0/3"),
        ReadPrefix("::/127"), ReadPrefix("fe80::/10"), ReadPrefix("ff00::/8"),
    ];

    public static Violations Check(CreateAddressPoolRequest request)
    {
        var violations = new Violations();
        violations.Id("address_pool_id", request.AddressPoolId);
        if (violations.Require(request.AddressPool is not null, "address_pool", "is required"))
        {
            var pool = request.AddressPool;
            violations.Require(System.Enum.IsDefined(pool.Purpose), "address_pool.purpose", "is not a known purpose");
            violations.DisplayName("address_pool.display_name", pool.DisplayName);
            violations.DisplayName("address_pool.availability_zone", pool.AvailabilityZone);
            if (pool.Owner.Length > 0) ResourceName.Parse("projects/*", pool.Owner, "address_pool.owner", violations);
            violations.Labels("address_pool.labels", pool.Labels);
            CheckQuarantine(pool.Quarantine, violations);
            CheckAnnouncement(pool.Announcement, pool.Purpose, violations);
            CheckSpace(pool.Prefixes, pool.Exclusions, violations);
        }
        return violations;
    }

    public static void CheckQuarantine(Duration? quarantine, Violations violations) => violations.Require(
        quarantine is null or { Nanos: 0, Seconds: >= 0 } && !(quarantine?.Seconds > LongestQuarantine.TotalSeconds),
        "address_pool.quarantine", $"must be 0 to {LongestQuarantine.TotalDays} days, in whole seconds");

    /// <summary>Nodes of load balancers announce their addresses themselves, and nobody announces the company's own machines'.
    /// </summary>
    public static void CheckAnnouncement(AddressPool.Types.Announcement announcement, AddressPool.Types.Purpose purpose, Violations violations)
    {
        const string Field = "address_pool.announcement";
        if (violations.Require(System.Enum.IsDefined(announcement), Field, "is not a known announcement"))
            violations.Require(announcement != AddressPool.Types.Announcement.Aggregate || purpose is AddressPool.Types.Purpose.Unspecified
                or AddressPool.Types.Purpose.Server or AddressPool.Types.Purpose.Floating, Field,
                "can be AGGREGATE of pools for servers and of floating ones alone");
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
            foreach (var unusable in UnusableIn(cidr)) violations.Add(field, unusable);
            foreach (var other in good.Where(other => other.Overlaps(cidr)))
                violations.Add(field, $"overlaps {other} of the same pool");
            good.Add(cidr);
        }
        for (var i = 0; i < exclusions.Count; i++)
        {
            var field = $"address_pool.exclusions[{i}]";
            if (!IpRange.TryParse(exclusions[i], out var range, out var problem)) violations.Add(field, problem);
            else violations.Require(AddressSpace.Union(good.Select(c => c.Range)).Exists(r => r.Holds(range)), field,
                good.Any(c => c.Range.Overlaps(range)) ? "lies only partly in the prefixes" : "lies in none of the prefixes");
        }
    }

    /// <summary>What no machine's interface can have of it, in words.</summary>
    public static IEnumerable<string> UnusableIn(Cidr cidr) => Unusable.Where(bad => bad.Overlaps(cidr))
        .Select(bad => $"holds addresses of {bad}, which no server can have");

    /// <summary>Adds a violation for each prefix that another pool has. Those that cannot be read have theirs.</summary>
    public static void CheckOverlaps(IReadOnlyList<string> prefixes, IEnumerable<AddressPoolRow> others,
        Violations violations)
    {
        var taken = others.SelectMany(o => o.Cidrs.Select(c => (o.Name, Cidr: c))).ToList();
        for (var i = 0; i < prefixes.Count; i++)
            if (Cidr.TryParse(prefixes[i], out var mine, out _))
                foreach (var (name, cidr) in taken.Where(t => t.Cidr.Overlaps(mine)))
                    violations.Add($"address_pool.prefixes[{i}]", $"overlaps {cidr} of {name}");
    }

    /// <summary>What is never given out: the exclusions and, where machines share a segment, the first and the last
    /// address of an IPv4 prefix. Servers' addresses are a /32 each, so that those of their prefixes are as good as any.</summary>
    public static IEnumerable<IpRange> Excluded(AddressPool.Types.Purpose purpose, IEnumerable<string> prefixes,
        IEnumerable<string> exclusions)
    {
        var excluded = exclusions.Select(ReadRange);
        return purpose == AddressPool.Types.Purpose.Infrastructure
            ? excluded.Concat(prefixes.Select(ReadPrefix).Where(c => c.First.Family == 4 && c.Length <= 30)
                .SelectMany(c => new IpRange[] { new(c.First, c.First), new(c.Last, c.Last) }))
            : excluded;
    }

    /// <summary>The addresses to give: those of the prefixes without the excluded ones.</summary>
    public static List<IpRange> Space(AddressPool.Types.Purpose purpose, IReadOnlyCollection<string> prefixes,
        IEnumerable<string> exclusions) =>
        AddressSpace.Subtract(prefixes.Select(p => ReadPrefix(p).Range), Excluded(purpose, prefixes, exclusions));

    /// <summary>A prefix that was checked.</summary>
    public static Cidr ReadPrefix(string text) =>
        Cidr.TryParse(text, out var cidr, out var problem) ? cidr : throw new FormatException($"{text} {problem}");

    /// <summary>A range that was checked.</summary>
    public static IpRange ReadRange(string text) => IpRange.TryParse(text, out var range, out var problem)
        ? range
        : throw new FormatException($"{text} {problem}");
}
