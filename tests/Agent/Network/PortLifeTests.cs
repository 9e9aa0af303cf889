using System.Net;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Network.RuleDirection;
using static Monolith.Agent.Network.RuleProtocol;

namespace Monolith.Agent.Tests.Network;

[Trait("Needs", "root")]
public sealed class PortLifeTests : IAsyncLifetime
{
    private static readonly RuleSpec[] AllowAll = [new(Egress), new(Ingress)];
    private readonly DataPlaneLab lab = new();

    public async ValueTask InitializeAsync() => await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task Routes_FollowCarrier()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(DataPlaneLab.Cancellation);
        await using var events = lab.Plane.WatchAsync(stop.Token).GetAsyncEnumerator(stop.Token);
        var next = events.MoveNextAsync().AsTask();
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        var before = await lab.ObserveAsync(plan.PortId);
        Assert.Equal((true, false, true), (before!.Exists, before.Carrier, before.Filtered));
        Assert.Empty(before.Routed);

        using var guest = new Guest(lab.Hypervisor, plan.TapName, plan.Mac, "guest");
        guest.PowerOn();
        Assert.True(await next);
        Assert.Equal(new DataPlaneEvent(plan.PortId, plan.TapName, DataPlaneChange.CarrierUp), events.Current);
        await DataPlaneLab.UntilAsync(async () => (await Routed()).Count == 2, "routes with carrier");
        Assert.Contains(
            "proto 42", lab.Hypervisor.Run("ip", "-N", "route", "show", "10.64.0.1"), StringComparison.Ordinal);

        next = events.MoveNextAsync().AsTask();
        guest.PowerOff();
        Assert.True(await next);
        Assert.Equal(DataPlaneChange.CarrierDown, events.Current.Change);
        await DataPlaneLab.UntilAsync(async () => (await Routed()).Count == 0, "no routes without carrier");

        async Task<IReadOnlyList<IPAddress>> Routed() => (await lab.ObserveAsync(plan.PortId))!.Routed;
    }

    /// <summary>A routing daemon sees which addresses are the fabric's alone, and the prefixes that stand for them.</summary>
    [Fact]
    public async Task Aggregates_AreInATableOfTheirOwn_WhileOneOfTheirAddressesIsRouted()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll) with { Aggregates = [IPNetwork.Parse("10.64.0.0/16"), IPNetwork.Parse("fd64::/64")] };
        var guest = await lab.StartGuestAsync(plan);
        Assert.Contains("metric 2", lab.Hypervisor.Run("ip", "-N", "route", "show", "10.64.0.1"), StringComparison.Ordinal);
        Assert.Contains("metric 2", lab.Hypervisor.Run("ip", "-N", "-6", "route", "show", "fd64::1"), StringComparison.Ordinal);
        Assert.Contains("blackhole 10.64.0.0/16", Prefixes("-4"), StringComparison.Ordinal);
        Assert.Contains("blackhole fd64::/64", Prefixes("-6"), StringComparison.Ordinal);
        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress), "nothing is forwarded by the table");
        await lab.RestartAsync();
        Assert.Contains("10.64.0.0/16", Prefixes("-4"), StringComparison.Ordinal);

        await lab.Plane.EnsurePortAsync(plan with { Aggregates = [] }, DataPlaneLab.Cancellation);
        Assert.Equal(("", ""), (Prefixes("-4"), Prefixes("-6")));
        Assert.DoesNotContain("metric", lab.Hypervisor.Run("ip", "-N", "route", "show", "10.64.0.1"), StringComparison.Ordinal);
        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress));

        // A table that nothing was ever put into is not there.
        string Prefixes(string family) => lab.Hypervisor.Try("ip", family, "route", "show", "table", "42").Output.Trim();
    }

    [Fact]
    public async Task EnsurePort_Twice_ChangesNothing()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        var before = lab.Hypervisor.Settings();

        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);

        Assert.Equal(before, lab.Hypervisor.Settings());
    }

    [Fact]
    public async Task Restart_AdoptsPorts_AndRunningGuestsNoticeNothing()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        var guest = await lab.StartGuestAsync(plan);
        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress));
        var before = lab.Hypervisor.Settings();

        await lab.RestartAsync();

        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress), "before anybody told the new process about the port");
        var found = Assert.Single(await lab.Plane.ObserveAsync(DataPlaneLab.Cancellation));
        Assert.Equal((plan.PortId, plan.TapName, false), (found.PortId, found.TapName, found.Planned));
        Assert.Equal((true, true, 2), (found.Carrier, found.Filtered, found.Routed.Count));
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        Assert.Equal(before, lab.Hypervisor.Settings());
        Assert.True((await lab.ObserveAsync(plan.PortId))!.Planned);
    }

    [Fact]
    public async Task RemovePort_OfALeftover_LeavesNothing()
    {
        await lab.StartGuestAsync(DataPlaneLab.Plan(1, [new(Ingress, Tcp, 22, RemoteSetId: "ops"), new(Egress)]));
        await lab.RestartAsync();

        await lab.Plane.RemovePortAsync("port-1", DataPlaneLab.Cancellation);
        await lab.Plane.RemovePortAsync("port-1", DataPlaneLab.Cancellation);
        await lab.Plane.RemoveSetsAsync(["ops"], DataPlaneLab.Cancellation);

        Assert.Empty(await lab.Plane.ObserveAsync(DataPlaneLab.Cancellation));
        var rules = lab.Hypervisor.Run("nft", "list", "ruleset");
        Assert.DoesNotContain("goto", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("s4_ops", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("chain in_", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("10.64.0.1", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("10.64.0.1", lab.Hypervisor.Run("ip", "route"), StringComparison.Ordinal);
        Assert.DoesNotContain("vt", lab.Hypervisor.Run("ip", "-o", "link"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RemoveTap_OfAPlannedPort_TakesThePortWithIt()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        await lab.StartGuestAsync(plan);

        await lab.Plane.RemoveTapAsync(plan.TapName, DataPlaneLab.Cancellation);

        Assert.Empty(await lab.Plane.ObserveAsync(DataPlaneLab.Cancellation));
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        Assert.True((await lab.ObserveAsync(plan.PortId))!.Filtered);
    }

    [Fact]
    public async Task LostRules_ComeBack()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        var guest = await lab.StartGuestAsync(plan);
        lab.Hypervisor.Run("nft", "flush", "ruleset");
        Assert.False((await lab.ObserveAsync(plan.PortId))!.Filtered);

        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);

        Assert.True((await lab.ObserveAsync(plan.PortId))!.Filtered);
        Assert.True(guest.Pings(DataPlaneLab.OfficeAddress));
        lab.Hypervisor.Run("nft", "delete", "table", "arp", "monolith");
        await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);
        Assert.Contains(
            "10.64.0.1", lab.Hypervisor.Run("nft", "list", "set", "arp", "monolith", "bind"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnsurePort_OfAnotherOwnersAddress_IsRefusedWithTheOwner()
    {
        await lab.Plane.EnsurePortAsync(DataPlaneLab.Plan(1, AllowAll), DataPlaneLab.Cancellation);
        var thief = DataPlaneLab.Plan(2, AllowAll) with { Addresses = [IPAddress.Parse("10.64.0.1")] };

        var refusal = await Assert.ThrowsAsync<InvalidPlanException>(
            () => lab.Plane.EnsurePortAsync(thief, DataPlaneLab.Cancellation));

        Assert.Contains("10.64.0.1 belongs to port port-1", refusal.Message, StringComparison.Ordinal);
        Assert.Null(await lab.ObserveAsync("port-2"));
    }

    [Fact]
    public async Task ChangedPlan_ReplacesRulesOwnerAndMtu_AndKeepsTheTap()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        await lab.Plane.EnsurePortAsync(plan, DataPlaneLab.Cancellation);
        var index = Index();

        var changed = plan with { Rules = [new(Egress, Udp)], Mtu = 8950, OwnerUid = 4242, OwnerGid = 4243 };
        await lab.Plane.EnsurePortAsync(changed, DataPlaneLab.Cancellation);

        Assert.Equal(index, Index());
        var link = lab.Hypervisor.Run("ip", "-d", "link", "show", plan.TapName);
        Assert.Contains("mtu 8950", link, StringComparison.Ordinal);
        Assert.Contains("user 4242 group 4243", link, StringComparison.Ordinal);
        Assert.Contains("ee:ee:ee:ee:ee:ee", link, StringComparison.Ordinal);
        Assert.Contains("addrgenmode none", link, StringComparison.Ordinal);
        Assert.True((await lab.ObserveAsync(plan.PortId))!.Filtered);

        string Index() => lab.Hypervisor.Run("ip", "-o", "link", "show", plan.TapName).Split(':')[0];
    }
}
