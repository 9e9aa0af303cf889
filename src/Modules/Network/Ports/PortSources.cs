using Microsoft.EntityFrameworkCore;
using Monolith.Network.Addresses;
using Monolith.Platform.Faults;

namespace Monolith.Network.Ports;

/// <summary>
/// Prefixes that a port may send from beside its own addresses. Who may send from an address can pass for whoever has it, hence
/// only what is nobody's outside of a site, and what is kept for the project.
/// </summary>
internal static class PortSources
{
    public const int Most = 16;

    static readonly Cidr[] Private =
    [
        Read("10.0.0.0/8"), Read("172.16.0.0/12"), Read("192.168.0.0/16"), Read("100.64.0.0/10"), Read("fc00::/7"),
    ];

    /// <param name="prefixes">Of a port of the project.</param>
    public static async Task CheckAsync(NetworkDb db, string project, IReadOnlyList<string> prefixes, Violations violations)
    {
        violations.Require(prefixes.Count <= Most, $"port.allowed_prefixes[{Most}]", $"is one too many; {Most} can be allowed");
        if (prefixes.Count == 0) return;
        var pools = await db.AddressPools.AsNoTracking().OrderBy(p => p.Name).ToListAsync();
        for (var i = 0; i < prefixes.Count && i < Most; i++)
        {
            var field = $"port.allowed_prefixes[{i}]";
            if (!Cidr.TryParse(prefixes[i], out var prefix, out var problem))
            {
                violations.Add(field, problem);
                continue;
            }
            var pool = pools.Find(p => p.Cidrs.Any(c => c.Overlaps(prefix)));
            if (pool is null)
                violations.Require(Private.Any(p => p.Range.Holds(prefix.Range)), field,
                    $"{prefix} is neither private (RFC 1918, RFC 4193, RFC 6598) nor in a pool of this cloud");
            else violations.Require(await IsKeptAsync(db, project, prefix), field,
                $"{prefix} is in {pool.Name}, and not reserved for projects/{project}: have the operators reserve it");
        }
    }

    static async Task<bool> IsKeptAsync(NetworkDb db, string project, Cidr prefix)
    {
        var (first, last) = (prefix.First.Key, prefix.Last.Key);
        return await db.Reservations.AnyAsync(r => r.Project == project
            && string.Compare(r.First, first) <= 0 && string.Compare(r.Last, last) >= 0);
    }

    static Cidr Read(string text) => Cidr.TryParse(text, out var cidr, out var problem) ? cidr : throw new FormatException(problem);
}
