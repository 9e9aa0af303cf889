using CsCheck;
using Monolith.Compute.Placement;
using Size = Monolith.Compute.Placement.Size;

namespace Monolith.Modules.Tests.Compute;

/// <summary>What would become of the servers of hypervisors that go away together.</summary>
public sealed class EvacuationTests
{
    static readonly Gen<Candidate> AnyCandidate =
        from up in Gen.Int[0, 5].Select(i => i > 0)
        from zone in Gen.Bool.Select(b => b ? "a" : "b")
        from cpus in Gen.Int[0, 8]
        from memory in Gen.Int[0, 1024]
        from uid in Gen.Guid
        select new Candidate(uid, "", up, true, zone, cpus, memory, 50, 8, 1024, 50);

    static readonly Gen<Candidate[]> AnyFleet =
        AnyCandidate.Array[1, 12].Select(fleet => fleet.Select((c, i) => c with { Id = $"hv{i}" }).ToArray());

    static readonly Gen<Demand> AnyDemand =
        from cpus in Gen.Int[1, 4]
        from memory in Gen.Int[1, 512]
        from zone in Gen.Int[0, 2].Select(i => new[] { "", "a", "b" }[i])
        select new Demand(cpus, memory, 1, zone);

    [Fact]
    public void EveryServer_HasOneFate_AndThoseThatMoveFitTogether() =>
        Gen.Select(AnyFleet, AnyDemand.Array[0, 20], Gen.Int[1, 3]).Sample((fleet, demands, away) =>
        {
            var leaving = fleet.Take(away).Select(c => c.Id).ToHashSet(StringComparer.Ordinal);
            var residents = demands.Select((d, i) => new Resident($"s{i}", $"hv{i % Math.Min(away, fleet.Length)}", d)).ToList();
            var plan = Evacuation.Plan(fleet, leaving, residents, []);
            Assert.Equal(residents.Select(r => r.Server).Order(), plan.Select(d => d.Resident.Server).Order());
            foreach (var target in plan.Where(d => d.Target is not null).GroupBy(d => d.Target!))
            {
                Assert.DoesNotContain(target.Key, leaving);
                var taken = Assert.Single(fleet, c => c.Id == target.Key);
                Assert.True(taken.Up);
                Assert.All(target, d => Assert.True(taken.IsIn(d.Resident.Demand.AvailabilityZone)));
                Assert.True(target.Sum(d => d.Resident.Demand.MemoryMib) <= taken.FreeMemoryMib
                    && target.Sum(d => d.Resident.Demand.Vcpus) <= taken.FreeVcpus);
            }
            Assert.All(plan.Where(d => d.Target is null),
                d => Assert.Contains("None of", d.Placement.Explain(), StringComparison.Ordinal));
        });

    /// <summary>Each is placed by its own life, in any order: together they do what was planned.</summary>
    [Fact]
    public void WhoeverIsPlacedFirst_EachGoesWhereItWasForetold() =>
        Gen.Select(AnyFleet, AnyDemand.Array[1, 20], Gen.Int[1, 3], Gen.Int).Sample((fleet, demands, away, seed) =>
        {
            var leaving = fleet.Take(away).Select(c => c.Id).ToHashSet(StringComparer.Ordinal);
            var residents = demands.Select((d, i) => new Resident($"s{i}", $"hv{i % Math.Min(away, fleet.Length)}", d)).ToArray();
            var plan = Evacuation.Plan(fleet, leaving, residents, []).ToDictionary(d => d.Resident.Server, d => d.Target);
            new Random(seed).Shuffle(residents);
            var look = new Look(default, [.. fleet.Select(c => leaving.Contains(c.Id) ? c with { Schedulable = false } : c)], []);
            foreach (var resident in residents.Where(r => plan[r.Server] is not null))
                Assert.Equal(plan[resident.Server],
                    look.Place(resident.Demand, FleetView.Attempts, resident.Server, plan[resident.Server]!).Order[0].Id);
        });

    /// <summary>A drain plans anew for those that are left, with the fleet as it is by then.</summary>
    [Fact]
    public void PlannedAnew_AfterSomeWent_TheRestGoesWhereItWasForetold() =>
        Gen.Select(AnyFleet, AnyDemand.Array[1, 20], Gen.Int[0, 20]).Sample((fleet, demands, gone) =>
        {
            var leaving = new HashSet<string> { "hv0" };
            var residents = demands.Select((d, i) => new Resident($"s{i}", "hv0", d)).ToArray();
            var plan = Evacuation.Plan(fleet, leaving, residents, []);
            var went = plan.Take(gone).ToList();
            var then = fleet.Select(c => went.Where(d => d.Target == c.Id)
                .Aggregate(c, (less, d) => less.Less(d.Resident.Demand))).ToArray();
            Assert.Equal(plan.Skip(gone).Select(d => (d.Resident.Server, d.Target)),
                Evacuation.Plan(then, leaving, [.. plan.Skip(gone).Select(d => d.Resident)], []).Select(d => (d.Resident.Server, d.Target)));
        });

    [Fact]
    public void AWishThatIsNotValid_IsNotFulfilled()
    {
        Candidate Of(string id, long free) => new(Guid.NewGuid(), id, true, true, "", 64, free, 50, 64, 1024, 50);
        var look = new Look(default, [Of("full", 100), Of("free", 1000), Of("freer", 1024)], []);
        // Small enough that wherever the first goes, there is room for the others.
        var demand = new Demand(1, 256, 1, "");
        Assert.Equal(["free", "freer"], look.Place(demand, 5, "s", "full").Order.Select(c => c.Id).Order());
        Assert.Equal("free", look.Place(demand, 1, "t", "free").Order.Single().Id);
        // Lots decide between those that are alike.
        Assert.Contains(look.Place(demand, 5, "u", "gone").Order[0].Id, new[] { "free", "freer" });
    }

    [Fact]
    public void TheLargest_GoFirst_SoThatTheSmallOnesFillWhatIsLeft()
    {
        Candidate Of(string id, long free) => new(Guid.NewGuid(), id, true, true, "", 64, free, 50, 64, 1024, 50);
        Resident Server(string name, int memory) => new(name, "hv0", new Demand(1, memory, 1, ""));
        var plan = Evacuation.Plan([Of("hv0", 0), Of("hv1", 600), Of("hv2", 500)], new HashSet<string> { "hv0" },
            [Server("small", 100), Server("large", 600), Server("middle", 400)], []);
        Assert.Equal([("large", "hv1"), ("middle", "hv2"), ("small", "hv2")],
            plan.Select(d => (d.Resident.Server, d.Target!)));
    }

    [Fact]
    public void WhoFindsNoRoom_IsToldWhatWouldHelp()
    {
        Candidate Of(string id) => new(Guid.NewGuid(), id, true, true, "", 4, 256, 50, 8, 1024, 50);
        var plan = Evacuation.Plan([Of("hv0"), Of("hv1")], new HashSet<string> { "hv0" },
            [new Resident("s", "hv0", new Demand(1, 512, 1, ""))], [new Size("flavors/tiny", 1, 128, 1)]);
        Assert.Equal("None of 2 hypervisors can take it: 1 closed for new servers, 1 with too little free memory. "
            + "It would fit with flavors/tiny.", Assert.Single(plan).Placement.Explain());
    }
}
