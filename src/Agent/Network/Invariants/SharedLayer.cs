namespace Monolith.Agent.Network.Invariants;

/// <summary>No tap is in a bridge, and nothing stands on one. Pure.</summary>
internal static class SharedLayer
{
    public static IEnumerable<Breach> Breaches(MachineFacts facts)
    {
        var byIndex = facts.Links.ToDictionary(l => l.Link.Index);
        foreach (var tap in facts.Taps)
        {
            var name = tap.Link.Name;
            if (tap.Master != 0)
            {
                var master = byIndex.GetValueOrDefault(tap.Master)?.Link;
                yield return new(
                    Invariant.NoSharedL2, "TAP_ENSLAVED", name,
                    $"The tap {name} is in {master?.Name ?? $"interface {tap.Master}"} ({master?.Kind ?? "unknown"}): its guest "
                    + "shares a segment with whatever else is there, past all filters. The agent takes it out; find out who put it in.",
                    facts.PortOf(name));
            }

            var upper = facts.Links.Where(l => l.Lower == tap.Link.Index && l.Link.Index != tap.Link.Index).ToList();
            if (upper.Count > 0)
            {
                var names = string.Join(", ", upper.Select(l => $"{l.Link.Name} ({l.Link.Kind})"));
                yield return new(
                    Invariant.NoSharedL2, "TAP_STACKED", name,
                    $"{names} stands on the tap {name}: who has that interface speaks to the guest on its own wire, past all filters. "
                    + $"Delete it: ip link delete {upper[0].Link.Name}.",
                    facts.PortOf(name));
            }
        }
    }
}
