namespace Monolith.Network.Addresses;

/// <summary>Sets of addresses as ordered, disjoint ranges. Pure.</summary>
internal static class AddressSpace
{
    /// <summary>Orders and joins.</summary>
    public static List<IpRange> Union(IEnumerable<IpRange> ranges)
    {
        var result = new List<IpRange>();
        foreach (var range in ranges.OrderBy(r => r.First))
        {
            if (result.Count > 0 && Touches(result[^1], range))
            {
                if (range.Last > result[^1].Last) result[^1] = result[^1] with { Last = range.Last };
            }
            else result.Add(range);
        }
        return result;
    }

    /// <summary>What is in the first and not in the second.</summary>
    public static List<IpRange> Subtract(IEnumerable<IpRange> from, IEnumerable<IpRange> what)
    {
        var result = Union(from);
        foreach (var hole in Union(what))
            result = [.. result.SelectMany(range => Without(range, hole))];
        return result;
    }

    /// <summary>How many addresses; at most 2^63 - 1, as the API counts.</summary>
    public static long Count(IEnumerable<IpRange> ranges)
    {
        UInt128 sum = 0;
        foreach (var range in ranges)
        {
            sum += UInt128.Min(range.Count, long.MaxValue);
            if (sum > (UInt128)long.MaxValue) return long.MaxValue;
        }
        return (long)sum;
    }

    static IEnumerable<IpRange> Without(IpRange range, IpRange hole)
    {
        if (hole.Last < range.First || hole.First > range.Last)
        {
            yield return range;
            yield break;
        }
        if (hole.First > range.First) yield return range with { Last = hole.First.Previous };
        if (hole.Last < range.Last) yield return range with { First = hole.Last.Next };
    }

    static bool Touches(IpRange left, IpRange right) => left.First.Family == right.First.Family
        && (right.First <= left.Last || right.First.Value - left.Last.Value == 1);
}
