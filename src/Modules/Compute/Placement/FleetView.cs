using Monolith.Platform.Storage;

namespace Monolith.Compute.Placement;

/// <summary>
/// The hypervisors as placement sees them: read once in a while, for to read a thousand of them costs more than all else
/// that a placement does, less what was placed since. A guess: what the database says at the claim decides.
/// </summary>
internal sealed class FleetView(Store<ComputeDb> store, TimeProvider time)
{
    /// <summary>Room that became free elsewhere is seen after that long, or at once by a demand that finds none.</summary>
    public static readonly TimeSpan Age = TimeSpan.FromSeconds(1);

    static readonly Func<ComputeDb, Task<List<Candidate>>> Candidates = Query.Many((ComputeDb db) => db.Hypervisors
        .Select(h => new Candidate(h.Uid, h.Name.Substring("hypervisors/".Length), h.Up, h.Schedulable,
            h.AvailabilityZone, h.Vcpus - h.UsedVcpus, h.MemoryMib - h.UsedMemoryMib, h.DiskGib - h.UsedDiskGib,
            h.MemoryMib)));

    sealed record Look(DateTimeOffset Time, List<Candidate> Candidates);

    readonly Lock gate = new();
    Look? last;

    /// <summary>Where the demand goes, best first.</summary>
    public async Task<PlacementResult> PlaceAsync(Demand demand, int most, Random random)
    {
        if (last is { } look && time.GetUtcNow() - look.Time < Age)
        {
            PlacementResult found;
            lock (gate) found = Place(look, demand, most, random);
            if (found.Order.Count > 0) return found;
        }
        var fresh = new Look(time.GetUtcNow(), await store.ReadAsync(db => Candidates(db)));
        lock (gate)
        {
            last = fresh;
            return Place(fresh, demand, most, random);
        }
    }

    // The first is taken, most likely: the next demand sees it fuller.
    static PlacementResult Place(Look look, Demand demand, int most, Random random)
    {
        var found = Placer.Place(look.Candidates, demand, random, most);
        if (found.Order.Count == 0) return found;
        var at = look.Candidates.IndexOf(found.Order[0]);
        look.Candidates[at] = found.Order[0] with
        {
            FreeVcpus = found.Order[0].FreeVcpus - demand.Vcpus,
            FreeMemoryMib = found.Order[0].FreeMemoryMib - demand.MemoryMib,
            FreeDiskGib = found.Order[0].FreeDiskGib - demand.DiskGib,
        };
        return found;
    }

    /// <summary>It was wrong about one: look again.</summary>
    public void Forget()
    {
        lock (gate) last = null;
    }
}
