using CsCheck;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Filter;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Network.Filter;

/// <summary>The kernel's table against the pure plan.</summary>
[Trait("Needs", "root")]
public sealed class FilterTableTests : IDisposable
{
    private readonly TestNamespace netns = new("nft");

    public void Dispose() => netns.Dispose();

    /// <summary>Random steps on one table: after each the kernel has exactly what the plan says.</summary>
    [Fact]
    public async Task WhateverTheSteps_TheKernelHasThePlan()
    {
        using var thread = new NamespaceThread("nft", netns.Path);
        await thread.RunAsync(
            () =>
            {
                using var nftables = new NftablesContext();
                var table = new FilterTable(new DataPlaneOptions(), nftables);
                var before = new HashSet<string>();
                Gen.Select(Filters.Ports, Filters.Sets).Sample(
                    (ports, sets) =>
                    {
                        var byId = sets.ToDictionary(s => s.SetId);
                        var gone = before.Where(id => !byId.ContainsKey(id)).ToHashSet();
                        var live = ports.Select(p => p.TapName).ToHashSet();
                        var said = table.Apply(actual => FilterPlan.Target(actual, ports, byId, gone, live));
                        before = [.. byId.Keys, .. gone];

                        table.Forget();
                        var has = table.Actual;

                        Assert.Equal(said.Markers, has.Markers);
                        Assert.Equal(said.Ports.Values, has.Ports.Values);
                        Assert.Equal(said.Chains.Keys, has.Chains.Keys);
                        Assert.Equal(said.Arp, has.Arp);
                        Assert.Equal(said.ArpRanges, has.ArpRanges);
                        Assert.Equal(said.Limits, has.Limits);
                        Assert.Equal(said.Nat.Inbound, has.Nat.Inbound);
                        Assert.Equal(said.Nat.Outbound, has.Nat.Outbound);
                        Assert.Equal(said.Nat.Shared, has.Nat.Shared);
                        Assert.Equal(said.Nat.Pairs, has.Nat.Pairs);
                        Assert.Equal(said.Nat.Inside, has.Nat.Inside);
                        Assert.Equal(said.Sets.Keys, has.Sets.Keys);
                        Assert.All(said.Sets, s => Assert.True(s.Value.SetEquals(has.Sets[s.Key])));
                    },
                    iter: 60,
                    threads: 1);
            },
            DataPlaneLab.Cancellation);
    }

    [Fact]
    public async Task Refusal_LeavesTheTableAsItWas_AndSaysWhy()
    {
        using var thread = new NamespaceThread("nft", netns.Path);
        var refusal = await Assert.ThrowsAsync<NftablesException>(() => thread.RunAsync(
            () =>
            {
                using var nftables = new NftablesContext();
                nftables.Apply("add table inet probe");
                nftables.Apply("add chain inet probe a\nadd rule inet probe b accept");
            },
            DataPlaneLab.Cancellation));

        Assert.Contains("No such file or directory", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("chain a", netns.Run("nft", "list", "ruleset"), StringComparison.Ordinal);
    }
}
