using System.Net;
using CsCheck;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Tests.Network.Tap;

public sealed class RoutePlanTests
{
    private static readonly IPAddress[] Pool = [.. Enumerable.Range(1, 5).Select(n => IPAddress.Parse($"10.64.0.{n}"))];

    private static readonly Gen<HostRoute> Route = Gen.Select(Gen.Int[0, 4], Gen.Int[HostRoute.Nowhere, 6]).Select(
        (a, i) => new HostRoute(Pool[a], i, a % 2 == 0));

    /// <summary>Prefixes that stand for every other address.</summary>
    private static readonly IPNetwork[] Odd = [IPNetwork.Parse("10.64.0.1/32"), IPNetwork.Parse("10.64.0.3/32"), IPNetwork.Parse("10.64.0.5/32")];

    /// <summary>Taps 1-4; interfaces 5 and 6 are somebody else's.</summary>
    private static readonly Gen<List<Link>> Taps = Gen.Bool.Array[4].Select(
        carriers => carriers.Select((c, i) => new Link(i + 1, $"vt{i + 1}", "tun", default, 1500, "", true, c, 0, 0,
            true)).ToList());

    private static readonly Gen<Dictionary<string, IReadOnlyList<IPAddress>>> Plans =
        Gen.Int[0, 4].HashSet[0, 2].Array[3].Select(
        all => all.Select((a, i) => (Name: $"vt{i + 1}", Addresses: a)).ToDictionary(
            p => p.Name, p => (IReadOnlyList<IPAddress>)[.. p.Addresses.Select(n => Pool[n])]));

    [Fact]
    public void AfterTheDelta_RoutesAreThoseOfGuestsThatLive() =>
        Gen.Select(Taps, Plans, Plans, Route.HashSet[0, 12]).Sample((taps, plans, others, actual) =>
    {
        var shared = others.Where(o => plans.ContainsKey(o.Key)).ToDictionary(o => o.Key, o => o.Value);
        var (add, remove) = RoutePlan.Delta(taps, plans, actual, Odd, shared);
        var after = actual.Except(remove).Union(add).ToHashSet();

        foreach (var tap in taps)
        {
            var routed = after.Where(r => r.Index == tap.Index).Select(r => r.Address).ToHashSet();
            if (!tap.Carrier)
                Assert.Empty(routed);
            else if (plans.TryGetValue(tap.Name, out var planned))
                Assert.Equal(planned.ToHashSet(), routed);
            else
                Assert.Equal(actual.Where(r => r.Index == tap.Index).Select(r => r.Address).ToHashSet(), routed);
        }

        Assert.Equal(actual.Where(r => r.Index > 4).ToHashSet(), after.Where(r => r.Index > 4).ToHashSet());
        Assert.All(after.Where(r => r.Index <= 4), r => Assert.Equal(Odd.Any(p => p.Contains(r.Address)), r.Within));
        var nowhere = after.Where(r => r.Index == HostRoute.Nowhere).Select(r => r.Address).ToHashSet();
        var drawn = taps.Where(t => t.Carrier && shared.ContainsKey(t.Name)).SelectMany(t => shared[t.Name]).ToHashSet();
        if (taps.TrueForAll(t => !t.Carrier || plans.ContainsKey(t.Name)))
            Assert.Equal(drawn, nowhere);
        else
            Assert.Superset(drawn, nowhere);
        var again = RoutePlan.Delta(taps, plans, after, Odd, shared);
        Assert.Empty(again.Add);
        Assert.Empty(again.Remove);
    });

    [Fact]
    public void Prefixes_StandForAddressesOfGuestsThatLive_AndStayWhileAPlanMayStillCome() =>
        Gen.Select(Taps, Gen.Int[0, 2].HashSet[0, 2].Array[3], Gen.Int[0, 2].HashSet[0, 3]).Sample((taps, plans, known) =>
    {
        var named = plans.Select((p, i) => (Name: $"vt{i + 1}", Prefixes: p))
            .ToDictionary(p => p.Name, p => (IReadOnlyList<IPNetwork>)[.. p.Prefixes.Select(n => Odd[n])]);
        var actual = known.Select(n => Odd[n]).ToHashSet();
        var (add, remove) = RoutePlan.Delta(taps, named, actual);
        var after = actual.Except(remove).Union(add).ToHashSet();
        var needed = taps.Where(t => t.Carrier && named.ContainsKey(t.Name)).SelectMany(t => named[t.Name]).ToHashSet();
        Assert.Equal(taps[3].Carrier ? [.. needed, .. actual] : needed, after);
    });
}
