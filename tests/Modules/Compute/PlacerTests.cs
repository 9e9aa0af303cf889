using CsCheck;
using Monolith.Compute.Placement;
using Monolith.Compute.V1;
using Size = Monolith.Compute.Placement.Size;

namespace Monolith.Modules.Tests.Compute;

public sealed class PlacerTests
{
    static readonly Gen<TraitSet> AnyTraits = Gen.Int[0, 7].Select(bits =>
        TraitSet.Of(new[] { "gpu", "new", "ssd" }.Where((_, i) => (bits & (1 << i)) != 0)));

    static readonly Gen<Candidate> AnyCandidate =
        from up in Gen.Bool
        from open in Gen.Bool
        from zone in Gen.Bool.Select(b => b ? "a" : "b")
        from cpus in Gen.Int[0, 8]
        from memory in Gen.Int[0, 1024]
        from disk in Gen.Int[0, 50]
        from traits in AnyTraits
        from rack in Gen.Int[0, 3]
        from servers in Gen.Int[0, 4]
        from uid in Gen.Guid
        select new Candidate(uid, "hv" + (uid.GetHashCode() & 7), up, open, zone, cpus, memory, disk, 8, 1024, 50)
        {
            Traits = traits,
            Labels = rack == 0 ? "" : $"\"rack\":\"r{rack}\",",
            Servers = servers,
        };

    static readonly Gen<Company?> AnyCompany =
        from policy in Gen.Int[0, 8].Select(i => (ServerGroup.Types.Policy)i)
        from across in Gen.Bool.Select(b => b ? "rack" : "")
        from others in Gen.Int[0, 7].Array[0, 4]
        select System.Enum.IsDefined(policy) && policy > 0
            ? new Company("g", 0, policy, across, others.Select(o => across.Length == 0 ? $"hv{o}" : $"r{o}")
                .CountBy(o => o).ToDictionary())
            : null;

    static readonly Gen<Demand> AnyDemand =
        from cpus in Gen.Int[1, 10]
        from memory in Gen.Int[1, 1200]
        from disk in Gen.Int[1, 60]
        from zone in Gen.Int[0, 3].Select(i => new[] { "", "a", "b", "c" }[i])
        from leastMemory in Gen.Int[0, 64]
        from leastDisk in Gen.Int[0, 4]
        from needs in AnyTraits
        from avoids in AnyTraits
        from packs in Gen.Bool
        from company in AnyCompany
        select new Demand(cpus, memory, disk, zone, leastMemory, leastDisk)
        {
            Needs = needs,
            Avoids = avoids.Without(needs),
            Packs = packs,
            Company = company,
        };

    [Fact]
    public void RejectedAndValid_AddUpToTheFleet_AndEveryValidOneFits() =>
        Gen.Select(AnyCandidate.List[0, 40], AnyDemand).Sample((fleet, demand) =>
        {
            var result = Placer.Place(fleet, demand, 1);
            Assert.Equal(fleet.Count, result.Order.Count + result.Rejected.Sum(r => r.Count));
            Assert.All(result.Order, c => Assert.True(c.Up && c.Schedulable
                && demand.AvailabilityZone is var zone && (zone == "" || c.AvailabilityZone == zone)
                && c.FreeVcpus >= demand.Vcpus && c.FreeMemoryMib >= demand.MemoryMib && c.FreeDiskGib >= demand.DiskGib
                && demand.Needs.Words.All(c.Traits.Words.Contains) && !demand.Avoids.Words.Any(c.Traits.Words.Contains)
                && demand.Company?.Admits(c) != false));
            if (result.Order.Count == 0) Assert.NotEmpty(result.Explain());
        });

    [Fact]
    public void TheFewBest_AreTheFirstOfAll() =>
        Gen.Select(AnyCandidate.List[0, 40], Gen.Int[1, 8], Gen.ULong).Sample((fleet, most, lot) =>
        {
            var demand = new Demand(2, 256, 10, "");
            var all = Placer.Place(fleet, demand, lot);
            var few = Placer.Place(fleet, demand, lot, most);
            Assert.Equal(all.Order.Take(most), few.Order);
            Assert.Equal(all.Rejected, few.Rejected);
        });

    [Fact]
    public void TheOrder_IsTheSame_WhateverTheOrderOfTheFleet() =>
        Gen.Select(AnyCandidate.List[0, 40], Gen.ULong).Sample((fleet, lot) =>
        {
            var demand = new Demand(2, 256, 10, "");
            Assert.Equal(Placer.Place(fleet, demand, lot).Order,
                Placer.Place([.. fleet.AsEnumerable().Reverse()], demand, lot).Order);
        });

    static readonly Gen<Size> AnySize =
        from cpus in Gen.Int[1, 10]
        from memory in Gen.Int[1, 1200]
        from disk in Gen.Int[1, 60]
        from needs in AnyTraits
        from avoids in AnyTraits
        select new Size($"flavors/f{cpus}-{memory}-{disk}", cpus, memory, disk) { Needs = needs, Avoids = avoids.Without(needs) };

    /// <summary>What is proposed is done, and the server fits: for any fleet, an empty one as well.</summary>
    [Fact]
    public void TheNearestChange_MakesRoom() =>
        Gen.Select(AnyCandidate.List[0, 12], AnyDemand, AnySize.List[0, 6]).Sample((fleet, demand, sizes) =>
        {
            if (Placer.Place(fleet, demand, 1).Order.Count > 0) return;
            var remedy = Remedies.Nearest(fleet, demand, sizes)!;
            var (changed, wanted) = remedy.ApplyTo(fleet, demand);
            var placed = Placer.Place(changed, wanted, 1);
            Assert.True(placed.Order.Count > 0, $"{remedy}: {placed.Explain()}");
            Assert.True(wanted.MemoryMib >= Math.Min(demand.MemoryMib, demand.LeastMemoryMib)
                && wanted.DiskGib >= Math.Min(demand.DiskGib, demand.LeastDiskGib), $"{remedy} is too small for the image");
        });

    /// <summary>No other hypervisor would have to lose less, and no larger flavor would fit.</summary>
    [Fact]
    public void TheNearestChange_IsTheLeastOfItsKind() =>
        Gen.Select(AnyCandidate.List[1, 12], AnyDemand, AnySize.List[0, 6]).Sample((fleet, demand, sizes) =>
        {
            if (Placer.Place(fleet, demand, 1).Order.Count > 0) return;
            switch (Remedies.Nearest(fleet, demand, sizes))
            {
                case Remedy.Freed freed:
                    var lack = Remedies.Lack(fleet.Single(c => c.Uid == freed.Uid), demand);
                    Assert.All(fleet.Where(c => c.Up && c.Schedulable && c.IsIn(demand.AvailabilityZone)
                        && c.IsLargeEnough(demand) && c.Suits(demand)), c => Assert.True(Remedies.Lack(c, demand) >= lack));
                    break;
                case Remedy.OtherSize other:
                    Assert.DoesNotContain(sizes, s => s.IsInsteadOf(demand) && s != other.Size
                        && s.Vcpus >= other.Size.Vcpus && s.MemoryMib >= other.Size.MemoryMib
                        && s.DiskGib >= other.Size.DiskGib && Fits(s));
                    break;
            }

            bool Fits(Size s) => Placer.Place(fleet, s.For(demand), 1).Order.Count > 0;
        });

    [Fact]
    public void AnExplanation_NamesEachFilter_AndWhatWouldHelp()
    {
        Candidate[] fleet =
        [
            new(Guid.NewGuid(), "hv1", true, true, "a", 4, 100, 50, 8, 1024, 50),
            new(Guid.NewGuid(), "hv2", false, true, "a", 8, 1024, 50, 8, 1024, 50),
            new(Guid.NewGuid(), "hv3", true, true, "b", 0, 1024, 50, 8, 1024, 50),
        ];
        var demand = new Demand(2, 512, 10, "a");
        string Explain(params Size[] sizes) => (Placer.Place(fleet, demand, 1) with
        {
            Remedy = Remedies.Nearest(fleet, demand, sizes),
        }).Explain();
        const string why = "None of 3 hypervisors can take it: 1 not connected, 1 in another availability zone, 1 with too "
            + "little free memory. ";
        Assert.Equal(why + "It would fit with flavors/tiny.", Explain(new Size("flavors/tiny", 1, 64, 5)));
        Assert.Equal(why + "It would fit if a hypervisor that is not connected came back; ask the operators.", Explain());
        fleet[1] = fleet[1] with { FreeVcpus = 1 };
        Assert.Equal(why + "It would fit if 412 MiB of memory more were free on one hypervisor; delete servers, or ask the "
            + "operators for room.", Explain());
        demand = demand with { Needs = TraitSet.Of(["ssd"]) };
        Assert.Equal("None of 3 hypervisors can take it: 1 not connected, 1 in another availability zone, 1 without a trait that "
            + "the flavor needs. It would fit on one more hypervisor with 2 vCPUs, 512 MiB of memory and 10 GiB of disk and "
            + "ssd in availability zone a; ask the operators.", Explain());
        demand = demand with { Needs = TraitSet.None };
        fleet[2] = fleet[2] with { FreeVcpus = 8 };
        Assert.Equal(why + "It would fit in availability zone b.", Explain());
    }
}
