using CsCheck;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Filter;

namespace Monolith.Agent.Tests.Network.Filter;

public sealed class FilterDeltaTests
{
    [Fact]
    public void SameState_NeedsNothing() => Gen.Select(Filters.Ports, Filters.Sets).Sample((ports, sets) =>
    {
        var state = Target(FilterState.Empty, ports, sets);
        Assert.Equal("", FilterDelta.Commands(state, Target(state, ports, sets)));
    });

    [Fact]
    public void MembershipChange_IsUpdatesOfTheSetsElementsOnly() =>
        Gen.Select(Filters.Ports, Filters.Sets, Filters.Sets).Sample((ports, before, after) =>
        {
            var state = Target(FilterState.Empty, ports, [.. before, .. Empty(after, before)]);

            var commands = FilterDelta.Commands(state, Target(state, ports, after));

            Assert.All(
                commands.Split('\n', StringSplitOptions.RemoveEmptyEntries),
                c => Assert.Matches("^(add|delete) element inet monolith [sp][46]_", c));
            Assert.True(
                commands.Split('\n').Length - 1 <= 4 * after.Count, "one removal and one addition a family and set");
        });

    [Fact]
    public void UnknownPortOfALivingTap_IsKept_AndOfADeadOneIsDropped() =>
        Gen.Select(Filters.Ports, Filters.Sets).Where((ports, _) => ports.Count > 0).Sample((ports, sets) =>
        {
            var state = Target(FilterState.Empty, ports, sets);

            var kept = FilterPlan.Target(
                state, [], Sets(sets), new HashSet<string>(), ports.Select(p => p.TapName).ToHashSet());
            var dropped = FilterPlan.Target(state, [], Sets(sets), new HashSet<string>(), new HashSet<string>());

            Assert.Equal("", FilterDelta.Commands(state, kept));
            Assert.Empty(dropped.Ports);
            Assert.Empty(dropped.Chains);
            Assert.Empty(dropped.Arp);
            Assert.Empty(dropped.Limits);
            Assert.Empty(dropped.Nat.Pairs);
        });

    [Fact]
    public void EveryChainThatATapGoesTo_IsThere() => Gen.Select(Filters.Ports, Filters.Sets).Sample((ports, sets) =>
    {
        var state = Target(FilterState.Empty, ports, sets);
        Assert.All(state.Ports.Values, p => Assert.True(
            state.Chains.ContainsKey(p.IngressChain) && state.Chains.ContainsKey(p.EgressChain)));
        var named = ports.SelectMany(p => p.Rules).Where(r => r.RemoteSetId is not null)
            .Select(r => (r.IsPrefixSet ? 'p' : 's', r.RemoteSetId));
        Assert.All(named, n => Assert.True(
            state.Sets.ContainsKey($"{n.Item1}4_{n.RemoteSetId}") && state.Sets.ContainsKey($"{n.Item1}6_{n.RemoteSetId}")));
    });

    [Fact]
    public void RemovedSet_ThatARuleNames_BecomesEmpty_AndGoesWithTheRule()
    {
        var port = Lab.DataPlaneLab.Plan(1, new RuleSpec(RuleDirection.Ingress, RemoteSetId: "web"));
        AddressSetPlan[] sets = [new("web", [System.Net.IPAddress.Parse("10.64.0.9")])];
        var state = Target(FilterState.Empty, [port], sets);
        var removed = new HashSet<string> { "web" };

        var named = FilterPlan.Target(state, [port], Sets([]), removed, new HashSet<string>());
        var unnamed = FilterPlan.Target(named, [], Sets([]), removed, new HashSet<string>());

        Assert.Empty(named.Sets["s4_web"]);
        Assert.Empty(unnamed.Sets);
    }

    private static IEnumerable<AddressSetPlan> Empty(
        IReadOnlyList<AddressSetPlan> wanted, IReadOnlyList<AddressSetPlan> there) =>
        wanted.Where(s => there.All(t => t.SetId != s.SetId)).Select(s => s with
        {
            Addresses = [],
            Prefixes = s.Prefixes is null ? null : [],
        });

    private static FilterState Target(
        FilterState actual, IReadOnlyList<PortPlan> ports, IReadOnlyList<AddressSetPlan> sets) =>
        FilterPlan.Target(actual, ports, Sets(sets), new HashSet<string>(), ports.Select(p => p.TapName).ToHashSet());

    private static Dictionary<string, AddressSetPlan> Sets(IEnumerable<AddressSetPlan> sets) =>
        sets.ToDictionary(s => s.SetId);
}
