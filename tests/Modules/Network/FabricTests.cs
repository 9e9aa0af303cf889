using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Contracts;
using Monolith.Network.Fabric;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using FabricPeerService = Monolith.Network.Fabric.FabricPeerService;
using FabricService = Monolith.Network.Fabric.FabricService;
using State = Monolith.Network.V1.FabricPeer.Types.State;

namespace Monolith.Modules.Tests.Network;

/// <summary>What nodes say of their BGP sessions, as operators see it.</summary>
public sealed class FabricTests
{
    sealed class Scene : IAsyncDisposable
    {
        public required NetworkFixture Module { get; init; }
        FabricService Reports => new(Module.Get<FabricNodes>(), Module.Get<Monolith.Network.FabricBreaches.BreachNodes>(), Module.Time);
        FabricPeerService Peers => new(Module.Store);

        public static async Task<Scene> MakeAsync(string provider) => new() { Module = await NetworkFixture.StartAsync(provider) };

        public Timestamp Now(int minutesAgo = 0) => Timestamp.FromDateTimeOffset(Module.Time.GetUtcNow().AddMinutes(-minutesAgo));

        public FabricSession Session(string name, string state = "Established", params int[] lostMinutesAgo) => new()
        {
            Name = name,
            State = state,
            Neighbor = "fe80::1%up1",
            Bfd = state == "Established" ? FabricSession.Types.Bfd.Up : FabricSession.Types.Bfd.Down,
            Since = Now(60),
            Losses = { lostMinutesAgo.Select(Now) },
        };

        public Task SayAsync(string node, params FabricSession[] sessions) => Reports.ReportFabric(
            new ReportFabricRequest { Sessions = { sessions } },
            FakeCall.By(new Caller("nodes/" + node, []), "agent.fabric.report"));

        public async Task<List<FabricPeer>> ListAsync(string filter = "") => [.. (await Peers.ListFabricPeers(
            new ListFabricPeersRequest { Filter = filter }, NetworkFixture.Call())).FabricPeers];

        public Task<int> EventsAsync() => Module.Store.ReadAsync(db => db.Events.CountAsync());

        public Task ForgetAsync(string node) => Module.Get<IFabricNodes>().ForgetAsync(node, default);

        public async Task PassAsync(TimeSpan time)
        {
            Module.Time.Advance(time);
            await Module.Get<FabricNodes>().LookAsync(default);
        }

        public ValueTask DisposeAsync() => Module.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatANodeSays_IsThere_AndARepeatIsNoNews(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.SayAsync("hv1", scene.Session("tor1"), scene.Session("tor2", "Active"));
        await scene.SayAsync("lb1", scene.Session("tor1"));
        Assert.Equal([("fabricPeers/hv1.tor1", State.Established), ("fabricPeers/hv1.tor2", State.Down),
            ("fabricPeers/lb1.tor1", State.Established)], (await scene.ListAsync()).Select(p => (p.Name, p.State)));
        Assert.Equal("Active", Assert.Single(await scene.ListAsync("state != \"ESTABLISHED\"")).BgpState);
        var before = await scene.EventsAsync();
        await scene.SayAsync("hv1", scene.Session("tor1"), scene.Session("tor2", "Active"));
        Assert.Equal(before, await scene.EventsAsync());

        // What it says no more of is not there any more; another node's is.
        await scene.SayAsync("hv1", scene.Session("tor2"));
        Assert.Equal(["fabricPeers/hv1.tor2", "fabricPeers/lb1.tor1"], (await scene.ListAsync()).Select(p => p.Name));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ThreeLossesWithinTenMinutes_AreFlapping_UntilTheyArePast(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.SayAsync("hv1", scene.Session("tor1", "Established", 50, 9, 5));
        var peer = Assert.Single(await scene.ListAsync());
        Assert.Equal((false, 3, scene.Now(5)), (peer.Flapping, peer.LossCount, peer.LastLossTime));
        // An agent that began anew knows only of its own.
        await scene.SayAsync("hv1", scene.Session("tor1", "Established", 1));
        peer = Assert.Single(await scene.ListAsync("flapping = true"));
        Assert.Equal(4, peer.LossCount);
        scene.Module.Time.Advance(TimeSpan.FromMinutes(11));
        await scene.SayAsync("hv1", scene.Session("tor1"));
        Assert.Equal((false, 3), (Assert.Single(await scene.ListAsync()) is var then ? (then.Flapping, then.LossCount) : default));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task OfANodeThatIsSilent_NothingIsKnown_AndOfOneThatIsGone_NothingIsLeft(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.SayAsync("hv1", scene.Session("tor1"));
        await scene.PassAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(State.Established, Assert.Single(await scene.ListAsync()).State);
        await scene.PassAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(State.Unknown, Assert.Single(await scene.ListAsync()).State);
        await scene.SayAsync("hv1", scene.Session("tor1"));
        Assert.Equal(State.Established, Assert.Single(await scene.ListAsync()).State);
        await scene.ForgetAsync("hv1");
        await scene.ForgetAsync("hv1");
        Assert.Empty(await scene.ListAsync());
    }

    [Fact]
    public async Task ANodeSpeaksOfWhatANodeCanHave_AndIsToldOfAllThatIsWrong()
    {
        await using var scene = await Scene.MakeAsync("sqlite");
        var fault = await Assert.ThrowsAsync<Fault>(() => scene.SayAsync("hv1",
            scene.Session("a/b", ""), scene.Session(new string('x', 65)), scene.Session("a/b")));
        Assert.Equal(["sessions", "sessions[0].name", "sessions[0].state", "sessions[1].name", "sessions[2].name"],
            fault.Fields.Select(v => v.Field).Order(StringComparer.Ordinal));
        Assert.Empty(await scene.ListAsync());

        // A clock that is ahead saw it now.
        var ahead = scene.Session("tor1", "Established", -10);
        ahead.Since = new Timestamp { Seconds = long.MaxValue };
        await scene.SayAsync("hv1", ahead);
        var peer = Assert.Single(await scene.ListAsync());
        Assert.Equal((scene.Now(), scene.Now()), (peer.StateTime, peer.LastLossTime));
    }
}
