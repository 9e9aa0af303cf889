namespace Monolith.Compute.Placement;

/// <summary>A server where it is now.</summary>
/// <param name="Hypervisor">By its id.</param>
internal sealed record Resident(string Server, string Hypervisor, Demand Demand);

/// <summary>What would become of one of them.</summary>
internal sealed record Departure(Resident Resident, PlacementResult Placement)
{
    /// <summary>The hypervisor's id; null: nowhere.</summary>
    public string? Target => Placement.Order.Count > 0 ? Placement.Order[0].Id : null;
}

/// <summary>What would become of servers whose hypervisors go away, all of them together. Pure.</summary>
internal static class Evacuation
{
    /// <param name="fleet">As it is now, with room that the residents hold.</param>
    /// <param name="residents">The company of each is of those that stay.</param>
    /// <param name="leaving">Ids of hypervisors: nothing is placed there.</param>
    /// <param name="sizes">Flavors, for what would help.</param>
    /// <param name="more">What operators added; null: nothing.</param>
    /// <returns>The largest first: small ones fill what gaps they leave, while the other order strands large ones.</returns>
    public static IReadOnlyList<Departure> Plan(IReadOnlyList<Candidate> fleet, IReadOnlySet<string> leaving,
        IReadOnlyList<Resident> residents, IReadOnlyList<Size> sizes, PlacementRules? more = null)
    {
        var rest = new Look(default,
            [.. fleet.Select(c => leaving.Contains(c.Id) ? c with { Schedulable = false } : c)], sizes, more);
        // Those of a group that went before.
        var companies = new Dictionary<string, Company>(StringComparer.Ordinal);
        return [.. residents
            .OrderByDescending(r => r.Demand.MemoryMib).ThenByDescending(r => r.Demand.Vcpus)
            .ThenBy(r => r.Server, StringComparer.Ordinal).Select(Depart)];

        Departure Depart(Resident resident)
        {
            if (resident.Demand.Company is not { } company)
                return new(resident, rest.Place(resident.Demand, FleetView.Attempts, resident.Server));
            company = companies.GetValueOrDefault(company.Group, company);
            var placed = rest.Place(resident.Demand with { Company = company }, FleetView.Attempts, resident.Server);
            companies[company.Group] = placed.Order.Count > 0 ? company.Joined(placed.Order[0]) : company;
            return new(resident, placed);
        }
    }
}
