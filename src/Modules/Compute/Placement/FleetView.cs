using Monolith.Platform.Storage;

namespace Monolith.Compute.Placement;

/// <summary>
/// The hypervisors as placement sees them: read once in a while, for to read a thousand of them costs more than all else
/// that a placement does. A guess: what the database says at the claim decides.
/// </summary>
internal sealed class FleetView(Store<ComputeDb> store, TimeProvider time, PlacementRules? more = null) : IDisposable
{
    /// <summary>Room that became free elsewhere is seen after that long, or at once by a demand that finds none.</summary>
    public static readonly TimeSpan Age = TimeSpan.FromSeconds(1);

    /// <summary>Hypervisors that are tried before the fleet is looked at again.</summary>
    public const int Attempts = 5;

    /// <summary>The fleet as it is now.</summary>
    public static readonly Func<ComputeDb, Task<List<Candidate>>> CandidatesAsync = Query.Many((ComputeDb db) => db.Hypervisors
        .Select(h => new Candidate(h.Uid, h.Name.Substring("hypervisors/".Length), h.Up, h.Schedulable && h.Maintenance == "",
            h.AvailabilityZone, h.Vcpus - h.UsedVcpus, h.MemoryMib - h.UsedMemoryMib, h.DiskGib - h.UsedDiskGib,
            h.Vcpus, h.MemoryMib, h.DiskGib)
        {
            Traits = TraitSet.Parse(h.Traits),
            Labels = h.Labels,
            Servers = h.ServerCount,
        }));

    public static readonly Func<ComputeDb, Task<List<Size>>> SizesAsync = Query.Many((ComputeDb db) =>
        db.Flavors.OrderBy(f => f.Name).Select(f => new Size(f.Name, f.Vcpus, f.MemoryMib, f.DiskGib)
        {
            Needs = TraitSet.Parse(f.RequiredTraits),
            Avoids = TraitSet.Parse(f.ForbiddenTraits),
        }));

    // Placements go on side by side: one reads, for all that wait.
    readonly SemaphoreSlim reading = new(1);
    volatile Look? last;

    Look? Recent => last is { } look && time.GetUtcNow() - look.Time < Age ? look : null;

    /// <inheritdoc cref="Look.Place"/>
    /// <param name="most">Only so many, the best, are in the order.</param>
    public Task<PlacementResult> PlaceAsync(Demand demand, int most, string server, string wish = "") =>
        FindAsync(look => look.Place(demand, most, server, wish), wish);

    /// <inheritdoc cref="Look.Foresee"/>
    public Task<PlacementResult> ForeseeAsync(Demand demand, string server) =>
        FindAsync(look => look.Foresee(demand, Attempts, server));

    /// <inheritdoc cref="Look.Zones"/>
    public async Task<IReadOnlyList<(string Zone, bool AcceptsServers)>> ZonesAsync() => (Recent ?? await ReadAsync(null)).Zones();

    async Task<PlacementResult> FindAsync(Func<Look, PlacementResult> find, string wish = "")
    {
        var recent = Recent;
        if (recent is not null && find(recent) is { Order: [var first, ..] } found && (wish.Length == 0 || first.Id == wish))
            return found;
        return find(await ReadAsync(recent));
    }

    /// <summary>It was wrong about one: look again.</summary>
    public void Forget() => last = null;

    public void Dispose() => reading.Dispose();

    /// <param name="before">What was seen already, and is not enough.</param>
    async Task<Look> ReadAsync(Look? before)
    {
        await reading.WaitAsync();
        try
        {
            if (Recent is { } others && others != before) return others;
            return last = await store.ReadAsync(async db =>
                new Look(time.GetUtcNow(), [.. await CandidatesAsync(db)], await SizesAsync(db), more));
        }
        finally
        {
            reading.Release();
        }
    }
}
