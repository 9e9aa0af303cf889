using CsCheck;
using Monolith.Compute.Placement;

namespace Monolith.Modules.Tests.Compute;

public sealed class PlacerTests
{
    static readonly Gen<Candidate> AnyCandidate =
        from up in Gen.Bool
        from open in Gen.Bool
        from zone in Gen.Bool.Select(b => b ? "a" : "b")
        from cpus in Gen.Int[0, 8]
        from memory in Gen.Int[0, 1024]
        from disk in Gen.Int[0, 50]
        select new Candidate(Guid.NewGuid(), "hv", up, open, zone, cpus, memory, disk, 1024);

    [Fact]
    public void RejectedAndValid_AddUpToTheFleet_AndEveryValidOneFits() =>
        AnyCandidate.List[0, 40].Sample(fleet =>
        {
            var demand = new Demand(2, 256, 10, "a");
            var result = Placer.Place(fleet, demand, new Random(1));
            Assert.Equal(fleet.Count, result.Order.Count + result.Rejected.Sum(r => r.Count));
            Assert.All(result.Order, c => Assert.True(c.Up && c.Schedulable && c.AvailabilityZone == "a"
                && c.FreeVcpus >= 2 && c.FreeMemoryMib >= 256 && c.FreeDiskGib >= 10));
            if (result.Order.Count == 0) Assert.NotEmpty(result.Explain());
        });

    [Fact]
    public void TheFewBest_AreTheFirstOfAll() =>
        Gen.Select(AnyCandidate.List[0, 40], Gen.Int[1, 8], Gen.Int).Sample((fleet, most, seed) =>
        {
            var demand = new Demand(2, 256, 10, "");
            var all = Placer.Place(fleet, demand, new Random(seed));
            var few = Placer.Place(fleet, demand, new Random(seed), most);
            Assert.Equal(all.Order.Take(most), few.Order);
            Assert.Equal(all.Rejected, few.Rejected);
        });
}
