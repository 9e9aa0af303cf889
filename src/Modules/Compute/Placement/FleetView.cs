using Monolith.Platform.Storage;

namespace Monolith.Compute.Placement;

/// <summary>
/// The hypervisors as placement sees them: read once in a while, for to read a thousand of them costs more than all else
/// that a placement does, less what was placed since. A guess: what the database says at the claim decides.
/// </summary>
internal sealed class FleetView(Store<ComputeDb> store, TimeProvider time) : IDisposable
{
    /// <summary>Room that became free elsewhere is seen after that long, or at once by a demand that finds none.</summary>
    public static readonly TimeSpan Age = TimeSpan.FromSeconds(1);

    static readonly Func<ComputeDb, Task<List<Candidate>>> Candidates = Query.Many((ComputeDb db) => db.Hypervisors
        .Select(h => new Candidate(h.Uid, h.Name.Substring("hypervisors/".Length), h.Up, h.Schedulable,
            h.AvailabilityZone, h.Vcpus - h.UsedVcpus, h.MemoryMib - h.UsedMemoryMib, h.DiskGib - h.UsedDiskGib,
            h.MemoryMib)));

    sealed class Look
    {
        // The emptiest of so many is nearly as empty as the emptiest of all, and a placement costs the same in a cloud of
        // any size (Mitzenmacher, The Power of Two Choices, 2001).
        const int Stretch = 256;
        readonly Lock gate = new();
        readonly Candidate[] candidates;
        int next;

        /// <param name="candidates">In chance's order from now on, so that any stretch of them is a fair sample.</param>
        public Look(DateTimeOffset time, Candidate[] candidates, Random random)
        {
            (Time, this.candidates) = (time, candidates);
            random.Shuffle(candidates);
        }

        public DateTimeOffset Time { get; }

        /// <summary>Where the demand goes, best first. The first is taken, most likely: the next sees it fuller.</summary>
        public PlacementResult Place(Demand demand, int most, Random random)
        {
            lock (gate)
            {
                var stretch = NextStretch();
                var found = Placer.Place(stretch, demand, random, most);
                // Only a look at all can say how many each filter rejected, or that there are no more.
                if (found.Order.Count < most && stretch.Count < candidates.Length)
                    found = Placer.Place(stretch = candidates, demand, random, most);
                if (found.Order.Count > 0) Take(stretch, found.Order[0], demand);
                return found;
            }
        }

        ArraySegment<Candidate> NextStretch()
        {
            if (next >= candidates.Length) next = 0;
            var stretch = new ArraySegment<Candidate>(candidates, next, Math.Min(Stretch, candidates.Length - next));
            next += stretch.Count;
            return stretch;
        }

        static void Take(ArraySegment<Candidate> among, Candidate taken, Demand demand) =>
            among[among.AsSpan().IndexOf(taken)] = taken with
            {
                FreeVcpus = taken.FreeVcpus - demand.Vcpus,
                FreeMemoryMib = taken.FreeMemoryMib - demand.MemoryMib,
                FreeDiskGib = taken.FreeDiskGib - demand.DiskGib,
            };
    }

    // Placements go on side by side: one reads, for all that wait.
    readonly SemaphoreSlim reading = new(1);
    volatile Look? last;

    Look? Recent => last is { } look && time.GetUtcNow() - look.Time < Age ? look : null;

    /// <param name="most">Only so many, the best, are in the order.</param>
    public async Task<PlacementResult> PlaceAsync(Demand demand, int most, Random random)
    {
        var recent = Recent;
        if (recent?.Place(demand, most, random) is { Order.Count: > 0 } found) return found;
        return (await ReadAsync(recent, random)).Place(demand, most, random);
    }

    /// <summary>It was wrong about one: look again.</summary>
    public void Forget() => last = null;

    public void Dispose() => reading.Dispose();

    /// <param name="before">What was seen already, and is not enough.</param>
    async Task<Look> ReadAsync(Look? before, Random random)
    {
        await reading.WaitAsync();
        try
        {
            if (Recent is { } others && others != before) return others;
            return last = new Look(time.GetUtcNow(), [.. await store.ReadAsync(db => Candidates(db))], random);
        }
        finally
        {
            reading.Release();
        }
    }
}
