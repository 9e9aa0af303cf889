using System.Net;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Contracts;
using Monolith.Network.Fabric;
using Monolith.Network.FabricBreaches;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using FabricBreachService = Monolith.Network.FabricBreaches.FabricBreachService;
using FabricService = Monolith.Network.Fabric.FabricService;
using State = Monolith.Network.V1.FabricBreach.Types.State;

namespace Monolith.Modules.Tests.Network;

/// <summary>What hypervisors say of invariants that do not hold, as operators see it.</summary>
public sealed class FabricBreachTests
{
    sealed class Scene : IAsyncDisposable
    {
        public required NetworkFixture Module { get; init; }
        FabricService Reports => new(Module.Get<FabricNodes>(), Module.Get<BreachNodes>(), Module.Time);
        FabricBreachService Breaches => new(Module.Store);

        public static async Task<Scene> MakeAsync(string provider) => new() { Module = await NetworkFixture.StartAsync(provider) };

        public Timestamp Now(int secondsAgo = 0) => Timestamp.FromDateTimeOffset(Module.Time.GetUtcNow().AddSeconds(-secondsAgo));

        public BreachReport Breach(string code = "TAP_ENSLAVED", string subject = "vt1", int since = 0, int? mended = null) => new()
        {
            Invariant = BreachReport.Types.Invariant.NoSharedL2,
            Code = code,
            Subject = subject,
            Message = "The tap is in a bridge.",
            Since = Now(since),
            LastSeen = mended is { } seen ? Now(seen + 1) : null,
            Mended = mended is { } at ? Now(at) : null,
        };

        public Task SayAsync(string node, params BreachReport[] breaches) => SayAsync(node, [], breaches);

        public Task SayAsync(string node, string[] addresses, params BreachReport[] breaches) => Reports.ReportBreaches(
            new ReportBreachesRequest
            {
                Breaches = { breaches },
                Ipv4Addresses = Packed(addresses, 4),
                Ipv6Addresses = Packed(addresses, 16),
            },
            FakeCall.By(new Caller("nodes/" + node, []), "agent.fabric.report"));

        static ByteString Packed(string[] addresses, int length) => ByteString.CopyFrom(
            [.. addresses.Select(a => IPAddress.Parse(a).GetAddressBytes()).Where(a => a.Length == length).SelectMany(a => a)]);

        public async Task<List<FabricBreach>> ListAsync(string filter = "") => [.. (await Breaches.ListFabricBreaches(
            new ListFabricBreachesRequest { Filter = filter }, NetworkFixture.Call())).FabricBreaches];

        public async Task<FabricBreach> OneAsync() => Assert.Single(await ListAsync());

        public Task<int> EventsAsync() => Module.Store.ReadAsync(db => db.Events.CountAsync());

        public async Task PassAsync(int seconds)
        {
            Module.Time.Advance(TimeSpan.FromSeconds(seconds));
            await Module.Get<BreachNodes>().LookAsync(default);
        }

        public ValueTask DisposeAsync() => Module.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ABreach_IsOpenUntilItIsNotSaidAnyMore_AndARepeatIsNoNews(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        var begun = scene.Now();
        var said = scene.Breach(since: 5);
        await scene.SayAsync("hv1", said);
        await scene.SayAsync("hv2");
        var breach = await scene.OneAsync();
        Assert.Equal(("fabricBreaches/hv1.tap-enslaved.vt1", "hypervisors/hv1", State.Open, "TAP_ENSLAVED", "vt1"),
            (breach.Name, breach.Hypervisor, breach.State, breach.Code, breach.Subject));
        Assert.Equal((begun.Seconds - 5, null, null), (breach.FirstSeenTime.Seconds, breach.LastSeenTime, breach.MendTime));
        var before = await scene.EventsAsync();
        scene.Module.Time.Advance(TimeSpan.FromSeconds(7));
        await scene.SayAsync("hv1", said);
        Assert.Equal(before, await scene.EventsAsync());

        await scene.SayAsync("hv1");
        breach = await scene.OneAsync();
        Assert.Equal((State.Mended, scene.Now(), breach.MendTime), (breach.State, breach.MendTime, breach.LastSeenTime));
        Assert.Equal(before + 1, await scene.EventsAsync());
        Assert.Empty(await scene.ListAsync("state = \"OPEN\""));
        Assert.Single(await scene.ListAsync("invariant = \"NO_SHARED_L2\" AND hypervisor = \"hypervisors/hv1\""));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AShortOne_IsKeptForAnHour(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        var mended = scene.Breach(since: 30, mended: 20);
        await scene.SayAsync("hv1", mended);
        var breach = await scene.OneAsync();
        Assert.Equal((State.Mended, scene.Now(30), scene.Now(21), scene.Now(20)),
            (breach.State, breach.FirstSeenTime, breach.LastSeenTime, breach.MendTime));
        var before = await scene.EventsAsync();
        await scene.PassAsync(3500);
        await scene.SayAsync("hv1", mended);
        Assert.Equal(before, await scene.EventsAsync());
        Assert.Single(await scene.ListAsync());
        await scene.PassAsync(100);
        Assert.Empty(await scene.ListAsync());
        // The node's own hour is over a little later.
        await scene.SayAsync("hv1", mended);
        Assert.Empty(await scene.ListAsync());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task OneThatComesAgain_IsOpenSinceThen_AndOneThatANewAgentSees_SinceItWasSeenFirst(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        var first = scene.Now(10);
        await scene.SayAsync("hv1", scene.Breach(since: 10));
        scene.Module.Time.Advance(TimeSpan.FromSeconds(20));
        // The agent begins anew, and sees it for the first time.
        await scene.SayAsync("hv1", scene.Breach());
        Assert.Equal(first, (await scene.OneAsync()).FirstSeenTime);
        await scene.SayAsync("hv1", scene.Breach(since: 5, mended: 1));
        scene.Module.Time.Advance(TimeSpan.FromSeconds(20));
        await scene.SayAsync("hv1", scene.Breach(since: 3));
        var breach = await scene.OneAsync();
        Assert.Equal((State.Open, scene.Now(3), null, null), (breach.State, breach.FirstSeenTime, breach.LastSeenTime, breach.MendTime));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task OfANodeThatIsSilent_NothingIsKnown_AndOfOneThatIsGone_NothingIsLeft(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.SayAsync("hv1", scene.Breach(), scene.Breach(subject: "vt2", mended: 0));
        await scene.PassAsync(60);
        Assert.Equal([State.Open, State.Mended], (await scene.ListAsync()).Select(b => b.State));
        await scene.PassAsync(60);
        Assert.Equal([State.Unknown, State.Mended], (await scene.ListAsync()).Select(b => b.State));
        await scene.SayAsync("hv1", scene.Breach(since: 120));
        Assert.Equal([State.Open, State.Mended], (await scene.ListAsync()).Select(b => b.State));
        await scene.Module.Get<IFabricNodes>().ForgetAsync("hv1", default);
        await scene.Module.Get<IFabricNodes>().ForgetAsync("hv1", default);
        Assert.Empty(await scene.ListAsync());
    }

    [Fact]
    public async Task APort_IsCalledByItsName()
    {
        await using var scene = await Scene.MakeAsync("sqlite");
        await scene.Module.PrepareAsync("10.64.0.0/24");
        var port = await scene.Module.ClaimAsync(Guid.CreateVersion7());
        var breach = scene.Breach();
        breach.PortId = port.Uid.ToString();
        await scene.SayAsync("hv1", breach);
        Assert.StartsWith("projects/p/ports/web1", (await scene.OneAsync()).Port, StringComparison.Ordinal);
        // It goes, and is called by its name as long as the breach is told.
        await scene.Module.Owned.ReleaseAsync((await scene.Module.Store.ReadAsync(db => db.Ports.SingleAsync())).OwnerUid!.Value, default);
        await scene.SayAsync("hv1", breach);
        Assert.StartsWith("projects/p/ports/web1", (await scene.OneAsync()).Port, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnAddressThatTwoHypervisorsReport_IsABreachOfBoth_UntilOneLetsGo(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await using var hv1 = new ScriptedAgent(scene.Module, "hv1");
        await using var hv2 = new ScriptedAgent(scene.Module, "hv2");
        await hv1.ConnectAsync();
        await scene.SayAsync("hv1", ["10.64.0.7", "fd64::7"]);
        await scene.SayAsync("hv2", ["10.64.0.7"]);
        await scene.PassAsync(4);
        // A machine that is not connected may have no power, and have said it before.
        Assert.Empty(await scene.ListAsync());
        await hv2.ConnectAsync();
        await scene.PassAsync(1);
        var both = await scene.ListAsync("code = \"OTHER_HYPERVISOR\" AND invariant = \"ONE_OWNER\"");
        Assert.Equal(["fabricBreaches/hv1.other-hypervisor.10.64.0.7", "fabricBreaches/hv2.other-hypervisor.10.64.0.7"],
            both.Select(b => b.Name));
        Assert.All(both, b => Assert.Equal(State.Open, b.State));
        Assert.Contains("hv1, hv2", both[0].Message, StringComparison.Ordinal);
        var before = await scene.EventsAsync();
        await scene.SayAsync("hv1", ["10.64.0.7", "fd64::7"]);
        await scene.PassAsync(1);
        Assert.Equal(before, await scene.EventsAsync());

        // Another host's process has heard of nobody yet, and takes nothing back for that.
        await using var again = await scene.Module.AgainAsync(NetworkFixture.Options);
        await again.Get<BreachNodes>().LookAsync(default);
        Assert.Equal(before, await scene.EventsAsync());

        await scene.SayAsync("hv1", ["fd64::7"]);
        await scene.PassAsync(1);
        Assert.All(await scene.ListAsync(), b => Assert.Equal(State.Mended, b.State));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AHostThatBeginsAnew_GivesEveryNodeItsTime_AndThenKnowsNothing(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.SayAsync("hv1", scene.Breach());
        await scene.SayAsync("hv2", scene.Breach());
        await using var again = await scene.Module.AgainAsync(NetworkFixture.Options);
        var reports = new FabricService(again.Get<FabricNodes>(), again.Get<BreachNodes>(), again.Time);
        scene.Module.Time.Advance(TimeSpan.FromSeconds(60));
        await again.Get<BreachNodes>().LookAsync(default);
        Assert.Equal([State.Open, State.Open], (await scene.ListAsync()).Select(b => b.State));
        await reports.ReportBreaches(new ReportBreachesRequest { Breaches = { scene.Breach() } },
            FakeCall.By(new Caller("nodes/hv1", []), "agent.fabric.report"));
        scene.Module.Time.Advance(TimeSpan.FromSeconds(60));
        await again.Get<BreachNodes>().LookAsync(default);
        Assert.Equal([State.Open, State.Unknown], (await scene.ListAsync()).Select(b => b.State));
    }

    [Fact]
    public async Task ANodeSpeaksOfWhatANodeCanSee_AndIsToldOfAllThatIsWrong()
    {
        await using var scene = await Scene.MakeAsync("sqlite");
        var fault = await Assert.ThrowsAsync<Fault>(() => scene.SayAsync("hv1", scene.Breach("tap"), scene.Breach(subject: "a/b"),
            scene.Breach(BreachSight.OtherHypervisor), scene.Breach("tap")));
        Assert.Equal(["breaches", "breaches[0].code", "breaches[1].subject", "breaches[2].code", "breaches[3].code"],
            fault.Fields.Select(v => v.Field).Order(StringComparer.Ordinal));
        Assert.Empty(await scene.ListAsync());

        // A clock that is ahead saw it now.
        var ahead = scene.Breach();
        ahead.Since = new Timestamp { Seconds = long.MaxValue };
        await scene.SayAsync("hv1", ahead);
        Assert.Equal(scene.Now().Seconds, (await scene.OneAsync()).FirstSeenTime.Seconds);
    }
}

/// <summary>Addresses that hypervisors claim, against each other.</summary>
public sealed class AddressClaimsTests
{
    static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly IPAddress[] Two = [IPAddress.Parse("10.64.0.1"), IPAddress.Parse("fd64::1")];
    readonly AddressClaims claims = new();

    IEnumerable<(string, string, string)> At(double second, params string[] silent) =>
        claims.Shared(Start.AddSeconds(second), n => !silent.Contains(n)).Select(s => (s.Key.Node, s.Key.Address, s.Value)).Order();

    void Take(double second, string node, params IPAddress[] addresses) => claims.Take(node, addresses, Start.AddSeconds(second));

    [Fact]
    public void AnAddressOfTwo_IsSaidOfBoth_OnceItLasts()
    {
        Take(0, "hv1", Two);
        Take(10, "hv2", Two[0]);
        Assert.Empty(At(12));
        Assert.Equal([("hv1", "10.64.0.1", "hv1, hv2"), ("hv2", "10.64.0.1", "hv1, hv2")], At(13));
        Take(14, "hv2", Two);
        Assert.Equal(2, At(14).Count());
        Assert.Equal(4, At(17).Count());
        Take(20, "hv1");
        Assert.Empty(At(30));
    }

    /// <summary>A server that moves is for a moment on both.</summary>
    [Fact]
    public void AServerThatMoves_IsNobodysBreach()
    {
        for (var i = 0; i < 10; i++)
        {
            Take(i * 10, i % 2 == 0 ? "hv1" : "hv2", Two);
            Assert.Empty(At((i * 10) + 1));
            Take((i * 10) + 1, i % 2 == 0 ? "hv2" : "hv1");
            Assert.Empty(At((i * 10) + 9));
        }
    }

    /// <summary>What a machine without power said last is no claim.</summary>
    [Fact]
    public void OneThatIsNotThere_ClaimsNothing()
    {
        Take(0, "hv1", Two);
        Take(10, "hv2", Two);
        Assert.Empty(At(20, "hv1"));
        Assert.Equal(4, At(20).Count());
    }

    /// <summary>Whatever is said in whatever order: an address is shared when more than one node's last word has it.</summary>
    [Fact]
    public void WhateverIsSaid_TheLastWordsCount() => Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4].HashSet[0, 5]).List[0, 40].Sample(steps =>
    {
        var all = new AddressClaims();
        var last = new Dictionary<string, HashSet<int>>();
        foreach (var (node, addresses) in steps)
        {
            all.Take($"hv{node}", addresses.Select(a => IPAddress.Parse($"10.64.0.{a}")), Start);
            last[$"hv{node}"] = addresses;
        }

        var want = last.SelectMany(l => l.Value.Where(a => last.Count(o => o.Value.Contains(a)) > 1)
            .Select(a => new SharedAddress(l.Key, $"10.64.0.{a}")));
        Assert.Equal(want.ToHashSet(), all.Shared(Start.AddMinutes(1), _ => true).Keys.ToHashSet());
    });
}
