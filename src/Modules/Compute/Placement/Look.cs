namespace Monolith.Compute.Placement;

/// <summary>
/// The fleet as it was once, less what was placed since. Safe for concurrent use.
/// </summary>
internal sealed class Look
{
    // The emptiest of so many is nearly as empty as the emptiest of all, and a placement costs the same in a cloud of
    // any size (Mitzenmacher, The Power of Two Choices, 2001).
    const int Stretch = 256;

    readonly Lock gate = new();
    readonly Candidate[] candidates;
    readonly IReadOnlyList<Size> sizes;
    readonly PlacementRules? more;
    // What fits nowhere will not fit before the next look: room only shrinks in this one.
    readonly Dictionary<Demand, PlacementResult> barren = [];

    /// <param name="candidates">In their lots' order from now on, so that any stretch of them is a fair sample.</param>
    /// <param name="sizes">What may be asked for instead.</param>
    /// <param name="more">What operators added; null: nothing.</param>
    public Look(DateTimeOffset time, Candidate[] candidates, IReadOnlyList<Size> sizes, PlacementRules? more = null)
    {
        (Time, this.candidates, this.sizes, this.more) = (time, candidates, sizes, more);
        Array.Sort(Array.ConvertAll(candidates, c => c.Lot), candidates);
    }

    public DateTimeOffset Time { get; }

    /// <summary>Where the demand goes, best first. The first is taken, most likely: the next sees it fuller.</summary>
    /// <param name="server">By its name.</param>
    /// <param name="wish">The id of a hypervisor that comes first if it is valid; empty: none does.</param>
    public PlacementResult Place(Demand demand, int most, string server, string wish = "") =>
        Find(demand, most, server, take: true, wish);

    /// <summary>Where it would go. Nothing is taken.</summary>
    public PlacementResult Foresee(Demand demand, int most, string server) => Find(demand, most, server, take: false);

    /// <summary>The zones that hypervisors are in, and whether a server of any flavor would find a place there.</summary>
    public IReadOnlyList<(string Zone, bool AcceptsServers)> Zones()
    {
        lock (gate)
            return
            [
                .. candidates.Where(c => c.AvailabilityZone.Length > 0).GroupBy(c => c.AvailabilityZone, StringComparer.Ordinal)
                    .Select(zone => (zone.Key, sizes.Select(s => s.For(new Demand(0, 0, 0, zone.Key)))
                        .Any(demand => Placer.Place([.. zone], demand, Lots.Of(zone.Key), 1, more).Order.Count > 0))),
            ];
    }

    PlacementResult Find(Demand demand, int most, string server, bool take, string wish = "")
    {
        var lot = Lots.Of(server);
        lock (gate)
        {
            // A group's servers come and go while this look stays.
            var lasts = demand.Company is null;
            if (lasts && barren.TryGetValue(demand, out var known)) return known;
            // The fullest and the nearest are single ones, and may be anywhere.
            var stretch = demand.Packs || !lasts ? candidates : StretchOf(lot);
            var found = Placer.Place(stretch, demand, lot, most, more);
            // Only a look at all can say how many each filter rejected, or that there are no more.
            if (found.Order.Count < most && stretch.Count < candidates.Length)
                found = Placer.Place(stretch = candidates, demand, lot, most, more);
            if (found.Order.Count == 0)
            {
                found = found with { Remedy = Remedies.Nearest(candidates, demand, sizes, more) };
                return lasts ? barren[demand] = found : found;
            }
            if (Wished(wish, demand, lot) is { } wished)
            {
                found = found with { Order = [wished, .. found.Order.Where(c => c.Id != wish).Take(most - 1)] };
                stretch = candidates;
            }
            if (take) stretch.AsSpan()[stretch.AsSpan().IndexOf(found.Order[0])] = found.Order[0].Less(demand);
            return found;
        }
    }

    Candidate? Wished(string wish, Demand demand, ulong lot) =>
        wish.Length > 0 && Array.Find(candidates, c => c.Id == wish) is { } candidate
            && Placer.Place([candidate], demand, lot, 1, more).Order.Count > 0 ? candidate : null;

    // Of equal length, or a short one would be full before the others.
    ArraySegment<Candidate> StretchOf(ulong lot)
    {
        var stretches = Math.Max(1, (candidates.Length + Stretch - 1) / Stretch);
        var which = (int)(lot % (ulong)stretches);
        int Start(int n) => (int)((long)n * candidates.Length / stretches);
        return new(candidates, Start(which), Start(which + 1) - Start(which));
    }
}
