using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Contracts;
using Monolith.Network.Ports;
using Monolith.Network.V1;
using Monolith.Platform.Faults;
using Kind = Monolith.Agent.V1.SyncPortsResponse.KindOneofCase;

namespace Monolith.Modules.Tests.Network;

public class PortStreamTests
{
    static async Task<(NetworkFixture Net, Guid Owner, PortFacts Port)> StartAsync(string provider)
    {
        var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var owner = Guid.CreateVersion7();
        var port = await net.ClaimAsync(owner);
        await net.Owned.BindAsync(owner, "hv1", default);
        return (net, owner, port);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Connect_ToABoundPort_GetsItsSetThenThePortThenInSync(string provider)
    {
        var (fixture, _, port) = await StartAsync(provider);
        await using var net = fixture;
        await using var agent = new ScriptedAgent(net, "hv1");
        var (items, end) = await agent.ConnectAsync();
        Assert.Equal([Kind.UpsertSet, Kind.UpsertPort], items.Select(i => i.KindCase));
        Assert.Equal(port.Addresses, items[0].UpsertSet.Addresses);
        var spec = items[1].UpsertPort;
        Assert.Equal((port.Uid.ToString(), port.MacAddress, 1500, "web1", "p.cloud.test"),
            (spec.Id, spec.MacAddress, spec.Mtu, spec.Hostname, spec.Domain));
        Assert.Equal(port.Addresses, spec.Addresses);
        Assert.Equal(["192.0.2.53"], spec.DnsServers);
        Assert.Equal(5, spec.Rules.Count);
        Assert.Contains(spec.Rules, r => r.RemoteSet == items[0].UpsertSet.Id);
        Assert.Contains(spec.Rules, r => r.Egress && r.Protocol == "any");
        Assert.Equal((false, false), (end.Unchanged, end.SendStatuses));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Reconnect_WhereNothingChanged_CostsInSyncAlone(string provider)
    {
        var (fixture, _, port) = await StartAsync(provider);
        await using var net = fixture;
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        var before = net.Store.Feed.Last;
        agent.Report(port.Uid.ToString(), PortStatus.Types.State.Announced, 2, "d1");
        await net.EventAsync(before, e => Port.Parser.ParseFrom(e.Data).State == Port.Types.State.Active);
        Assert.True((await net.Owned.OfAsync(Guid.Parse(await OwnerAsync(net, port)), default)).Single().Announced);
        await agent.DisconnectAsync();

        var (items, end) = await agent.ConnectAsync();
        Assert.Empty(items);
        Assert.Equal((true, false), (end.Unchanged, end.SendStatuses));
        Assert.True(agent.HeardAll);
    }

    static Task<string> OwnerAsync(NetworkFixture net, PortFacts port) => net.Store.ReadAsync(db =>
        Task.FromResult(db.Ports.Single(p => p.Uid == port.Uid).OwnerUid.ToString()!));

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Unbind_RemovesThePortAndThenTheSetThatNothingNames(string provider)
    {
        var (fixture, owner, port) = await StartAsync(provider);
        await using var net = fixture;
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        await net.Owned.UnbindAsync(owner, default);
        var first = await agent.NextAsync();
        Assert.Equal(port.Uid.ToString(), first.RemovePort);
        Assert.Equal(Kind.RemoveSet, (await agent.NextAsync()).KindCase);
        Assert.Empty(agent.Held);

        // And what came back is wanted again, newer than it was.
        await net.Owned.BindAsync(owner, "hv1", default);
        Assert.Equal(Kind.UpsertSet, (await agent.NextAsync()).KindCase);
        Assert.Equal(3UL, (await agent.NextAsync()).UpsertPort.Generation);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Membership_OfAGroup_IsOneSetForEachHypervisorAndNoPort(string provider)
    {
        var (fixture, _, _) = await StartAsync(provider);
        await using var net = fixture;
        var other = Guid.CreateVersion7();
        await net.ClaimAsync(other, "web2");
        await net.Owned.BindAsync(other, "hv2", default);
        await using var hv1 = new ScriptedAgent(net, "hv1");
        await using var hv2 = new ScriptedAgent(net, "hv2");
        await hv1.ConnectAsync();
        await hv2.ConnectAsync();
        var third = Guid.CreateVersion7();
        await net.ClaimAsync(third, "web3");
        net.Time.Advance(SetWakes.Pause);
        foreach (var agent in new[] { hv1, hv2 })
        {
            var set = (await agent.NextAsync()).UpsertSet;
            Assert.Equal((4UL, "10.64.0.0 10.64.0.1 10.64.0.2"), (set.Generation, string.Join(' ', set.Addresses)));
        }
        await net.Owned.ReleaseAsync(third, default);
        net.Time.Advance(SetWakes.Pause);
        foreach (var agent in new[] { hv1, hv2 })
        {
            var set = (await agent.NextAsync()).UpsertSet;
            Assert.Equal((5UL, "10.64.0.0 10.64.0.1"), (set.Generation, string.Join(' ', set.Addresses)));
            Assert.True(agent.HeardAll);
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task RuleChange_ReachesEveryMemberAndTheSetsComeAndGo(string provider)
    {
        var (fixture, _, port) = await StartAsync(provider);
        await using var net = fixture;
        await net.GroupAsync("office");
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        var rule = new SecurityRule
        {
            Direction = SecurityRule.Types.Direction.Ingress,
            Protocol = SecurityRule.Types.Protocol.Tcp,
            PortMin = 443,
            PortMax = 443,
            RemoteGroup = "projects/p/securityGroups/office",
        };
        await net.Groups.UpdateSecurityGroup(new UpdateSecurityGroupRequest
        {
            SecurityGroup = new() { Name = "projects/p/securityGroups/default", Rules = { rule } },
            UpdateMask = FieldMask.FromString("rules"),
        }, NetworkFixture.Call());
        net.Time.Advance(SetWakes.Pause);
        var heard = new[] { await agent.NextAsync(), await agent.NextAsync(), await agent.NextAsync() };
        Assert.Equal([Kind.UpsertSet, Kind.UpsertPort, Kind.RemoveSet], heard.Select(h => h.KindCase));
        Assert.Empty(heard[0].UpsertSet.Addresses);
        var spec = heard[1].UpsertPort;
        Assert.Equal((port.Uid.ToString(), 3UL), (spec.Id, spec.Generation));
        Assert.Equal(2, spec.Rules.Count);
        Assert.Equal(heard[0].UpsertSet.Id, spec.Rules.Single(r => !r.Egress).RemoteSet);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Report_OnAnotherNodesPort_OrFromBeforeTheBind_ChangesNothing(string provider)
    {
        var (fixture, owner, port) = await StartAsync(provider);
        await using var net = fixture;
        var other = Guid.CreateVersion7();
        var mine = await net.ClaimAsync(other, "web2");
        await net.Owned.BindAsync(other, "hv2", default);
        await net.Owned.UnbindAsync(owner, default);
        await net.Owned.BindAsync(owner, "hv1", default);
        await using var hostile = new ScriptedAgent(net, "hv2");
        await using var honest = new ScriptedAgent(net, "hv1");
        await hostile.ConnectAsync();
        await honest.ConnectAsync();
        var before = net.Store.Feed.Last;
        hostile.Report(port.Uid.ToString(), PortStatus.Types.State.Failed, 9, "evil");
        hostile.Report("not a port", PortStatus.Types.State.Failed, 9, "evil");
        hostile.Report(mine.Uid.ToString(), PortStatus.Types.State.Failed, 2, new string('x', 4000), remember: false);
        hostile.Report(mine.Uid.ToString(), PortStatus.Types.State.Announced, 2, "d");
        honest.Report(port.Uid.ToString(), PortStatus.Types.State.Announced, 2, "old", remember: false);
        honest.Report(port.Uid.ToString(), PortStatus.Types.State.Plugged, 3, "new");
        await net.EventAsync(before, e => e.Resource == mine.Name);
        await net.EventAsync(before, e => e.Resource == port.Name);
        Assert.Equal(Port.Types.State.Active, (await net.PortAsync(mine.Name)).State);
        var seen = await net.PortAsync(port.Name);
        Assert.Equal((Port.Types.State.Pending, Api.V1.Condition.Types.Status.True),
            (seen.State, seen.Conditions.Single(c => c.Type == "Plugged").Status));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Report_Repeated_CostsNoWriteAndNoEvent(string provider)
    {
        var (fixture, _, port) = await StartAsync(provider);
        await using var net = fixture;
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        var before = net.Store.Feed.Last;
        for (var i = 0; i < 5; i++) agent.Report(port.Uid.ToString(), PortStatus.Types.State.Announced, 2, "d1");
        await net.EventAsync(before, e => e.Resource == port.Name);
        var etag = (await net.PortAsync(port.Name)).Etag;
        for (var i = 0; i < 5; i++) agent.Report(port.Uid.ToString(), PortStatus.Types.State.Announced, 2, "d1");
        // Another digest of the same facts is remembered, and told nobody.
        agent.Report(port.Uid.ToString(), PortStatus.Types.State.Announced, 2, "d2");
        agent.Report(port.Uid.ToString(), PortStatus.Types.State.Plugged, 2, "d3");
        await net.EventAsync(before, e => Port.Parser.ParseFrom(e.Data).State == Port.Types.State.Pending
            && e.Sequence > before + 1);
        Assert.Equal(int.Parse(etag) + 1, int.Parse((await net.PortAsync(port.Name)).Etag));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task StatusesSent_WithoutAPort_MeansThatTheNodeLostIt(string provider)
    {
        var (fixture, _, port) = await StartAsync(provider);
        await using var net = fixture;
        await using var agent = new ScriptedAgent(net, "hv1");
        await agent.ConnectAsync();
        var before = net.Store.Feed.Last;
        agent.Report(port.Uid.ToString(), PortStatus.Types.State.Announced, 2, "d1");
        await net.EventAsync(before, e => e.Resource == port.Name);
        await agent.DisconnectAsync();
        agent.Statuses.Clear();
        agent.Held.Clear();
        before = net.Store.Feed.Last;
        var (_, end) = await agent.ConnectAsync();
        Assert.Equal((false, true), (end.Unchanged, end.SendStatuses));
        await net.EventAsync(before, e => e.Resource == port.Name);
        Assert.Equal(Port.Types.State.Pending, (await net.PortAsync(port.Name)).State);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Connect_Twice_EndsTheOlderStream(string provider)
    {
        var (fixture, _, _) = await StartAsync(provider);
        await using var net = fixture;
        await using var old = new ScriptedAgent(net, "hv1");
        await using var young = new ScriptedAgent(net, "hv1");
        await old.ConnectAsync();
        await young.ConnectAsync();
        await Expect.FaultAsync(StatusCode.Aborted, "STREAM_REPLACED", () => old.Serving);
        Assert.False(young.Serving.IsCompleted);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Connect_WithoutHello_OrNotAsANode_IsRefused(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await using var agent = new ScriptedAgent(net, "hv1");
        var context = Calls.FakeCall.By(new Monolith.Platform.Calls.Caller("users/eve", []));
        await Expect.FaultAsync(StatusCode.PermissionDenied, "PERMISSION_MISSING", () => net.Stream.SyncPorts(
            new EmptyReader(), new TestStream<SyncPortsResponse>(), context));
        context = Calls.FakeCall.By(new Monolith.Platform.Calls.Caller("nodes/hv1", []));
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => net.Stream.SyncPorts(
            new EmptyReader(), new TestStream<SyncPortsResponse>(), context));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Start_WithOtherDefaults_RaisesEverySpec(string provider)
    {
        var (fixture, _, _) = await StartAsync(provider);
        await using var net = fixture;
        await using var same = await net.AgainAsync(NetworkFixture.Options);
        await using var agent = new ScriptedAgent(same, "hv1");
        var (items, _) = await agent.ConnectAsync();
        Assert.Equal(2UL, items[^1].UpsertPort.Generation);
        await using var other = await net.AgainAsync(NetworkFixture.Options with { DnsServers = ["192.0.2.54"] });
        await using var later = new ScriptedAgent(other, "hv1");
        var spec = (await later.ConnectAsync()).Items[^1].UpsertPort;
        Assert.Equal((3UL, "192.0.2.54"), (spec.Generation, spec.DnsServers[0]));
    }

    sealed class EmptyReader : IAsyncStreamReader<SyncPortsRequest>
    {
        public SyncPortsRequest Current => new();
        public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromResult(false);
    }
}
