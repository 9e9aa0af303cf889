using CsCheck;
using Monolith.Compute.Placement;
using Monolith.Compute.ServerGroups;
using Monolith.Compute.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;

namespace Monolith.Modules.Tests.Compute;

/// <summary>How near the servers of a group run to each other, whatever the fleet has room for.</summary>
public sealed class ServerGroupTests
{
    const ServerGroup.Types.Policy Together = ServerGroup.Types.Policy.Affinity, Apart = ServerGroup.Types.Policy.AntiAffinity,
        SoftTogether = ServerGroup.Types.Policy.SoftAffinity, SoftApart = ServerGroup.Types.Policy.SoftAntiAffinity;

    static readonly Demand Small = new(1, 64, 1, "");

    /// <summary>In racks of three; those without a rack last.</summary>
    static Candidate[] Fleet(int hypervisors, int vcpus, int rackless = 0) =>
    [
        .. Enumerable.Range(0, hypervisors).Select(i => new Candidate(new Guid(i + 1, 0, 0, new byte[8]), $"hv{i}", true, true,
            "", vcpus, 4096, 100, vcpus, 4096, 100)
        {
            Labels = i < hypervisors - rackless ? $"\"rack\":\"r{i / 3}\"," : "",
        }),
    ];

    /// <summary>One server of the group after the other.</summary>
    static List<Candidate> Place(Candidate[] fleet, ServerGroup.Types.Policy policy, string across, int servers, int salt)
    {
        var look = new Look(default, [.. fleet], []);
        var company = new Company("g", 0, policy, across, new Dictionary<string, int>());
        var placed = new List<Candidate>();
        for (var i = 0; i < servers; i++)
        {
            var order = look.Place(Small with { Company = company }, 5, $"projects/p/servers/s{salt}-{i}").Order;
            if (order.Count == 0) continue;
            placed.Add(order[0]);
            company = company.Joined(order[0]);
        }
        return placed;
    }

    static readonly Gen<(int Hypervisors, int Vcpus, int Servers, int Salt)> AnyCase =
        Gen.Select(Gen.Int[1, 30], Gen.Int[1, 4], Gen.Int[1, 40], Gen.Int);

    [Fact]
    public void Apart_NoTwoAreInTheSamePlace_AndEveryPlaceIsUsedBeforeOneIsRefused() => AnyCase.Sample(c =>
    {
        var placed = Place(Fleet(c.Hypervisors, c.Vcpus), Apart, "", c.Servers, c.Salt);
        Assert.Equal(placed.Count, placed.Select(p => p.Id).Distinct().Count());
        Assert.Equal(Math.Min(c.Servers, c.Hypervisors), placed.Count);
    });

    [Fact]
    public void ApartAcrossRacks_OneIsInEach_AndNoneWhereThereIsNoRack() => AnyCase.Sample(c =>
    {
        var rackless = c.Hypervisors / 4;
        var placed = Place(Fleet(c.Hypervisors, c.Vcpus, rackless), Apart, "rack", c.Servers, c.Salt);
        Assert.Equal(placed.Count, placed.Select(p => p.Labels).Distinct().Count());
        Assert.Equal(Math.Min(c.Servers, (c.Hypervisors - rackless + 2) / 3), placed.Count);
        Assert.DoesNotContain("", placed.Select(p => p.Labels));
    });

    [Fact]
    public void Together_AllAreInOnePlace_UntilItIsFull() => AnyCase.Sample(c =>
    {
        var placed = Place(Fleet(c.Hypervisors, c.Vcpus), Together, "", c.Servers, c.Salt);
        Assert.Single(placed.Select(p => p.Id).Distinct());
        Assert.Equal(Math.Min(c.Servers, c.Vcpus), placed.Count);
    });

    [Fact]
    public void SoftlyApart_NobodyIsRefusedWhileThereIsRoom_AndPlacesFillEvenly() => AnyCase.Sample(c =>
    {
        var placed = Place(Fleet(c.Hypervisors, c.Vcpus), SoftApart, "", c.Servers, c.Salt);
        Assert.Equal(Math.Min(c.Servers, c.Hypervisors * c.Vcpus), placed.Count);
        var counts = placed.CountBy(p => p.Id).Select(p => p.Value).ToList();
        Assert.True(counts.Max() - (counts.Count < c.Hypervisors ? 0 : counts.Min()) <= 1, string.Join(' ', counts));
    });

    [Fact]
    public void SoftlyTogether_NobodyIsRefusedWhileThereIsRoom_AndOnePlaceFillsAfterTheOther() => AnyCase.Sample(c =>
    {
        var placed = Place(Fleet(c.Hypervisors, c.Vcpus), SoftTogether, "", c.Servers, c.Salt);
        Assert.Equal(Math.Min(c.Servers, c.Hypervisors * c.Vcpus), placed.Count);
        Assert.Equal((placed.Count + c.Vcpus - 1) / c.Vcpus, placed.Select(p => p.Id).Distinct().Count());
    });

    /// <summary>Two placements that know the same of the group: the second has to look again.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task OfPlacementsAtTheSameTime_OneIsCounted(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var other = await store.AnotherAsync();
        await store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.ServerGroups.Add(new ServerGroupRow { Name = "projects/p/serverGroups/g", Project = "p", Policy = Apart });
            return Task.CompletedTask;
        }, default);
        for (var round = 0; round < 20; round++)
        {
            var company = await store.Store.ReadAsync(db => Companies.OfAsync(db, "projects/p/serverGroups/g", []));
            var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
                (i % 2 == 0 ? store.Store : other).WriteAsync(Call.Of("test"),
                    unit => Companies.ClaimAsync(unit.Db, company, default), default))));
            Assert.Single(claims, claimed => claimed);
        }
    }
}
