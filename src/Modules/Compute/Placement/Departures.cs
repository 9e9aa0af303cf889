using Microsoft.EntityFrameworkCore;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.Servers;
using Monolith.Compute.Vms;

namespace Monolith.Compute.Placement;

/// <summary>
/// Reads what <see cref="Evacuation"/> plans with. What is foretold of a drain or of a loss, and what is done then, are
/// planned here both: on a fleet that stands still they are the same.
/// </summary>
/// <param name="more">What operators added; null: nothing.</param>
internal sealed class Departures(PlacementRules? more = null)
{
    /// <param name="leaving">Ids of hypervisors.</param>
    /// <param name="most">Residents.</param>
    /// <returns>Null: there are more residents.</returns>
    public async Task<IReadOnlyList<Departure>?> PlanAsync(ComputeDb db, IReadOnlyCollection<string> leaving,
        CancellationToken cancel, int most = int.MaxValue - 1)
    {
        var residents = await db.Vms.Where(v => v.Role == VmRole.Current && leaving.Contains(v.Hypervisor))
            .Join(db.Servers.Where(s => !s.Deleting), v => v.ServerUid, s => s.Uid, (v, s) => new { v.Hypervisor, Server = s })
            .Take(most + 1).ToListAsync(cancel);
        if (residents.Count > most) return null;
        // What has its place already: it holds it.
        residents.RemoveAll(r => IsPlacedElsewhere(r.Server));
        var companies = new Dictionary<string, Company?>(StringComparer.Ordinal);
        foreach (var group in residents.Select(r => r.Server.ServerGroup).OfType<string>().Distinct())
            companies[group] = await Companies.OfAsync(db, group, leaving);
        return Evacuation.Plan(await FleetView.CandidatesAsync(db), leaving.ToHashSet(StringComparer.Ordinal),
            residents.ConvertAll(r => new Resident(r.Server.Name, r.Hypervisor,
                r.Server.Demand with { Company = companies.GetValueOrDefault(r.Server.ServerGroup ?? "") })),
            await FleetView.SizesAsync(db), more);
    }

    static bool IsPlacedElsewhere(ServerRow server) => server is { IsMigrating: true, Migration.Placed: true };
}
