using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Network.Reservations;

internal static class ReservationRules
{
    public const int MaxNote = 255;

    /// <summary>What can be said without looking at rows.</summary>
    public static void Check(CreateReservationRequest request)
    {
        var violations = new Violations();
        ResourceName.Parse("addressPools/*", request.Parent, "parent", violations);
        violations.Id("reservation_id", request.ReservationId);
        if (violations.Require(request.Reservation is not null, "reservation", "is required"))
        {
            var wanted = request.Reservation;
            violations.Labels("reservation.labels", wanted.Labels);
            if (wanted.Owner.Length > 0) ResourceName.Parse("projects/*", wanted.Owner, "reservation.owner", violations);
            violations.Require(IsNote(wanted.Note), "reservation.note",
                $"must have at most {MaxNote} characters and no control characters");
            if (wanted.Addresses.Length > 0 && !IpRange.TryParse(wanted.Addresses, out _, out var problem))
                violations.Add("reservation.addresses", problem);
        }
        violations.ThrowIfAny();
    }

    public static bool IsNote(string text) => text.Length <= MaxNote && !text.Any(char.IsControl);

    /// <summary>Where the range cannot be: outside of the pool's prefixes, over an exclusion, over a neighbour.</summary>
    public static IEnumerable<string> Problems(IpRange range, AddressPoolRow pool, IEnumerable<ReservationRow> others)
    {
        if (!AddressSpace.Union(pool.Cidrs.Select(c => c.Range)).Exists(r => r.Holds(range)))
            yield return $"lies not wholly in the prefixes of {pool.Name}: {string.Join(", ", Words.Load(pool.Prefixes))}";
        foreach (var exclusion in pool.Excluded.Where(e => e.Overlaps(range)))
            yield return $"overlaps {exclusion}, which {pool.Name} excludes";
        foreach (var other in others.Where(o => o.Range.Overlaps(range)))
            yield return $"overlaps {other.Addresses} of {other.Name}, for {other.For}";
    }
}
