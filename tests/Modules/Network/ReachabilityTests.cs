using CsCheck;
using Monolith.Agent.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Addresses;
using Monolith.Network.Reachability;
using Monolith.Network.SecurityGroups;
using Monolith.Network.V1;
using Direction = Monolith.Network.V1.SecurityRule.Types.Direction;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;
using ReachabilityService = Monolith.Network.Reachability.ReachabilityService;
using Stage = Monolith.Network.V1.Hop.Types.Stage;

namespace Monolith.Modules.Tests.Network;

/// <summary>Where a packet dies that nobody sends.</summary>
public sealed class ReachabilityTests
{
    static readonly string[] Addresses = ["10.0.0.1", "10.0.0.2", "10.0.1.1", "fd00::1", "fd00::2"];

    static Gen<T> Of<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    static readonly Gen<Ip> AnyAddress = Of([.. Addresses.Select(Parse)]);

    static readonly Gen<SecurityRule> AnyRule =
        from direction in Of(Direction.Ingress, Direction.Egress)
        from protocol in Of(Protocol.Any, Protocol.Tcp, Protocol.Udp, Protocol.Icmp)
        from ports in Of((0, 0), (80, 0), (80, 80), (20, 90))
        from type in Of(-1, 8, 128)
        from remote in Of("", "10.0.0.0/24", "10.0.0.2/32", "fd00::/64", "0.0.0.0/0", "a", "b", "set:b")
        select Rule(direction, protocol, ports, type, remote);

    static readonly Gen<Packet> AnyPacket =
        from source in AnyAddress
        from destination in AnyAddress.Where(d => d.Family == source.Family)
        from protocol in Of(Protocol.Tcp, Protocol.Udp, Protocol.Icmp)
        from port in Of(22, 80, 443)
        from type in Of(8, 128)
        select new Packet(source, destination, protocol, protocol == Protocol.Icmp ? 0 : port, protocol == Protocol.Icmp ? type : 0);

    static Ip Parse(string text) => Ip.TryParse(text, out var ip) ? ip : throw new ArgumentException(text);

    static SecurityRule Rule(Direction direction, Protocol protocol, (int Min, int Max) ports, int type, string remote)
    {
        var rule = new SecurityRule { Direction = direction, Protocol = protocol };
        if (protocol is Protocol.Tcp or Protocol.Udp) (rule.PortMin, rule.PortMax) = ports;
        if (protocol == Protocol.Icmp && type >= 0) rule.IcmpType = type;
        if (remote.Contains('/', StringComparison.Ordinal)) rule.RemotePrefix = remote;
        else if (remote.StartsWith("set:", StringComparison.Ordinal)) rule.RemoteAddressSet = remote;
        else if (remote.Length > 0) rule.RemoteGroup = remote;
        return rule;
    }

    // What hypervisors are sent, read as they read it.
    static bool Lets(IEnumerable<PortRule> rules, Direction direction, Packet packet, Func<string, Ip, bool> isMember) => rules.Any(rule =>
    {
        var remote = direction == Direction.Ingress ? packet.Source : packet.Destination;
        return rule.Egress == (direction == Direction.Egress)
            && rule.Protocol switch { "any" => true, "tcp" => packet.Protocol == Protocol.Tcp, "udp" => packet.Protocol == Protocol.Udp, _ => packet.Protocol == Protocol.Icmp }
            && (rule.PortMin == 0 || (packet.Port >= rule.PortMin && packet.Port <= Math.Max(rule.PortMin, rule.PortMax)))
            && (rule.IcmpType < 0 || rule.IcmpType == packet.IcmpType)
            && (rule.RemoteCase != PortRule.RemoteOneofCase.RemotePrefix
                || (Cidr.TryParse(rule.RemotePrefix, out var prefix, out _) && prefix.Contains(remote)))
            && (rule.RemoteCase != PortRule.RemoteOneofCase.RemotePrefixSet || isMember(rule.RemotePrefixSet, remote))
            && (rule.RemoteCase != PortRule.RemoteOneofCase.RemoteSet || isMember(rule.RemoteSet, remote));
    });

    [Fact]
    public void ARuleIsFound_ExactlyWhereHypervisorsLetThePacketThrough() =>
        Gen.Select(AnyRule.Array[0, 4].Array[0, 3], AnyPacket, AnyAddress.Array[0, 3], AnyAddress.Array[0, 3]).Sample((groups, packet, a, b) =>
        {
            bool IsMember(string group, Ip ip) => (group == "a" ? a : b).Contains(ip);
            var sent = RuleResolution.Resolve(groups, name => name);
            var judged = groups.Select((rules, i) => new JudgedGroup($"g{i}", rules)).ToList();
            foreach (var direction in new[] { Direction.Ingress, Direction.Egress })
                Assert.Equal(Lets(sent, direction, packet, IsMember), RuleMatch.Find(judged, direction, packet, IsMember) is not null);
        });

    sealed class Scene : IAsyncDisposable
    {
        public required NetworkFixture Module { get; init; }

        public static async Task<Scene> MakeAsync()
        {
            var scene = new Scene { Module = await NetworkFixture.StartAsync("sqlite") };
            await scene.Module.PrepareAsync("10.64.0.0/24");
            return scene;
        }

        public async Task<Port> PortAsync(string id, params SecurityRule[] rules)
        {
            await Module.Groups.CreateSecurityGroup(new CreateSecurityGroupRequest
            {
                Parent = "projects/p",
                SecurityGroupId = id,
                SecurityGroup = new() { Rules = { rules } },
            }, NetworkFixture.Call());
            return await Module.Ports.CreatePort(new CreatePortRequest
            {
                Parent = "projects/p",
                PortId = id,
                Port = new() { Network = "projects/p/networks/default", SecurityGroups = { "projects/p/securityGroups/" + id } },
            }, NetworkFixture.Call());
        }

        /// <summary>As its hypervisor says.</summary>
        public Task IsAsync(string id, string hypervisor, PortStatus.Types.State state, string reason = "", string message = "") =>
            Module.Store.WriteAsync(Monolith.Platform.Calls.Call.Of("test"), unit =>
            {
                var row = unit.Db.Ports.Single(p => p.Name == "projects/p/ports/" + id);
                row.Hypervisor = "hypervisors/" + hypervisor;
                Monolith.Network.Ports.PortStates.Report(row,
                    new PortStatus { State = state, Reason = reason, Message = message }, unit.Now);
                return Task.CompletedTask;
            }, default);

        public Task<ExplainReachabilityResponse> ExplainAsync(string source, string destination, int port = 80) =>
            new ReachabilityService(Module.Store, Module.Get<Monolith.Network.Ports.PortLooks>()).ExplainReachability(new ExplainReachabilityRequest
            {
                Parent = "projects/p",
                Source = source,
                Destination = destination,
                Port = port,
            }, NetworkFixture.Call());

        public ValueTask DisposeAsync() => Module.DisposeAsync();
    }

    static IEnumerable<(Stage, string)> Deaths(ExplainReachabilityResponse answer) =>
        answer.Hops.Where(h => h.Verdict == Verdict.Drops).Select(h => (h.Stage, h.Reason));

    const string A = "projects/p/ports/a", B = "projects/p/ports/b";

    [Fact]
    public async Task AllThatIsWrongOnTheWay_IsNamedAtOnce_AndOneByOneMended()
    {
        await using var scene = await Scene.MakeAsync();
        var web = Rule(Direction.Ingress, Protocol.Tcp, (80, 80), -1, "");
        await scene.PortAsync("a", Rule(Direction.Egress, Protocol.Tcp, (443, 443), -1, ""));
        await scene.PortAsync("b", web);
        var answer = await scene.ExplainAsync(A, B);
        Assert.Equal(Verdict.Drops, answer.Verdict);
        Assert.Equal([(Stage.Source, "PORT_UNBOUND"), (Stage.EgressRules, "NO_EGRESS_RULE"), (Stage.Route, "NOT_ANNOUNCED"),
            (Stage.Destination, "PORT_UNBOUND"), (Stage.ReturnRoute, "NOT_ANNOUNCED")], Deaths(answer));
        Assert.Equal(("projects/p/securityGroups/b", "Rule 1 of projects/p/securityGroups/b lets TCP port 80 through."),
            answer.Hops.Where(h => h.Stage == Stage.IngressRules).Select(h => (h.Resource, h.Message)).Single());

        await scene.IsAsync("a", "hv1", PortStatus.Types.State.Announced);
        await scene.IsAsync("b", "hv2", PortStatus.Types.State.Plugged);
        Assert.Equal([(Stage.Route, "NOT_ANNOUNCED"), (Stage.Destination, "GUEST_DOWN"), (Stage.IngressRules, "NO_INGRESS_RULE")],
            Deaths(await scene.ExplainAsync(A, B, 443)));
        await scene.IsAsync("b", "hv2", PortStatus.Types.State.Announced);
        await scene.Module.Groups.UpdateSecurityGroup(new UpdateSecurityGroupRequest
        {
            SecurityGroup = new() { Name = "projects/p/securityGroups/a", Rules = { } },
            UpdateMask = new() { Paths = { "rules" } },
        }, NetworkFixture.Call());
        answer = await scene.ExplainAsync(A, B);
        Assert.Equal((Verdict.Passes, 6), (answer.Verdict, answer.Hops.Count));

        // The routes broke on the way back.
        await scene.IsAsync("a", "hv1", PortStatus.Types.State.Failed, "NOT_ROUTED", "BIRD does not answer.");
        Assert.Equal([(Stage.ReturnRoute, "NOT_ROUTED")], Deaths(await scene.ExplainAsync(A, B)));
        // Between guests of one hypervisor there is no fabric.
        await scene.IsAsync("b", "hv1", PortStatus.Types.State.Announced);
        Assert.Empty(Deaths(await scene.ExplainAsync(A, B)));
    }

    [Fact]
    public async Task AnAddressThatNoPortHas_IsNobodys_OrOutside()
    {
        await using var scene = await Scene.MakeAsync();
        await scene.PortAsync("a");
        await scene.IsAsync("a", "hv1", PortStatus.Types.State.Announced);
        Assert.Equal([(Stage.Route, "NOBODYS_ADDRESS")], Deaths(await scene.ExplainAsync(A, "10.64.0.77")));
        var outside = await scene.ExplainAsync(A, "198.51.100.1");
        Assert.Equal((Verdict.Unknown, "OUTSIDE"), (outside.Verdict, outside.Hops.Single(h => h.Verdict == Verdict.Unknown).Reason));
        // From outside, its own rules are what counts.
        Assert.Equal([(Stage.IngressRules, "NO_INGRESS_RULE")], Deaths(await scene.ExplainAsync("198.51.100.1", A)));
    }

    [Fact]
    public async Task WhatAHypervisorSeesNow_CountsMoreThanWhatItReported()
    {
        await using var scene = await Scene.MakeAsync();
        var port = await scene.PortAsync("a", Rule(Direction.Ingress, Protocol.Tcp, (80, 80), -1, ""));
        await scene.IsAsync("a", "hv1", PortStatus.Types.State.Announced);
        // There was an earlier spec, which a hypervisor may still have.
        await scene.Module.UpdateAsync(new() { Name = A, EgressBitsPerSecond = 1_000_000 }, "egress_bits_per_second");
        await using var agent = new ScriptedAgent(scene.Module, "hv1");
        await agent.ConnectAsync();
        var stands = (ulong)await scene.Module.Store.ReadAsync(db => Task.FromResult(db.Ports.Single().SpecGeneration));
        PortSight Healthy() => new()
        {
            Generation = stands,
            Tap = true,
            Carrier = true,
            Filtered = true,
            AnnouncedPeers = 2,
            Answers = true,
            Way = "up1",
        };
        async Task<ExplainReachabilityResponse> SeenAsync(Action<PortSight> change, string by = "hv1")
        {
            var answer = scene.ExplainAsync("198.51.100.1", A);
            var look = (await agent.NextAsync()).Look;
            Assert.Equal((port.Uid, "198.51.100.1"), (look.Port, look.Peer));
            var sight = Healthy();
            change(sight);
            var caller = FakeCall.By(new Monolith.Platform.Calls.Caller("nodes/" + by, []), "agent.ports.sync");
            if (by != "hv1")
                await Expect.FaultAsync(Grpc.Core.StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => scene.Module.Stream.TellPort(
                    new TellPortRequest { Look = look.Id, Sight = sight }, caller));
            else await scene.Module.Stream.TellPort(new TellPortRequest { Look = look.Id, Sight = sight }, caller);
            if (by != "hv1") scene.Module.Time.Advance(Monolith.Network.Ports.PortLooks.Patience);
            return await answer;
        }

        var healthy = await SeenAsync(_ => { });
        Assert.Equal(Verdict.Passes, healthy.Verdict);
        Assert.Contains(healthy.Hops, h => h.Message.EndsWith("its guest answers: seen just now.", StringComparison.Ordinal));
        foreach (var (change, stage, reason) in new (Action<PortSight>, Stage, string)[]
        {
            (s => s.Answers = false, Stage.Destination, "GUEST_SILENT"),
            (s => s.Filtered = false, Stage.Destination, "FILTERS_MISSING"),
            (s => s.Tap = false, Stage.Destination, "TAP_MISSING"),
            (s => s.Problem = "no memory", Stage.Destination, "PORT_NOT_APPLIED"),
            (s => s.AnnouncedPeers = 0, Stage.Route, "NOT_ANNOUNCED"),
        })
            Assert.Equal([(stage, reason)], Deaths(await SeenAsync(change)));
        Assert.Equal(Verdict.Unknown, (await SeenAsync(s => s.Generation--)).Verdict);
        // Another node's word about it is nobody's, and without an answer the last report stands.
        var reported = await SeenAsync(s => s.Answers = false, by: "hv2");
        Assert.Equal(Verdict.Passes, reported.Verdict);
        Assert.DoesNotContain(reported.Hops, h => h.Message.Contains("just now", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FloatingAddress_IsFollowedToItsServer_AndTheServerIsKnownByItOutside()
    {
        await using var scene = await Scene.MakeAsync();
        await scene.Module.PublicAsync("203.0.113.0/29");
        var web = Rule(Direction.Ingress, Protocol.Tcp, (80, 80), -1, "");
        await scene.PortAsync("a");
        await scene.PortAsync("b", web);
        await scene.IsAsync("a", "hv1", PortStatus.Types.State.Announced);
        await scene.IsAsync("b", "hv2", PortStatus.Types.State.Announced);
        const string floating = "203.0.113.0";
        await scene.Module.FloatAsync("www");
        Assert.Equal([(Stage.Route, "UNATTACHED")], Deaths(await scene.ExplainAsync(A, floating)));
        await scene.Module.MoveAsync("www", B);
        Assert.Equal([(Stage.Route, "NOT_ANNOUNCED")], Deaths(await scene.ExplainAsync(A, floating)));
        await scene.Module.Store.WriteAsync(Monolith.Platform.Calls.Call.Of("test"), unit =>
            Monolith.Network.FloatingAddresses.Attachments.FollowAsync(unit, unit.Db.Ports.Single(p => p.Name == B),
                new PortStatus { State = PortStatus.Types.State.Announced, AnnouncedExternals = { floating } }), default);

        var answer = await scene.ExplainAsync(A, floating);
        Assert.Equal((Verdict.Passes, "203.0.113.0 stands for 10.64.0.1 of projects/p/ports/b."),
            (answer.Verdict, answer.Hops.Single(h => h.Stage == Stage.Translation).Message));
        Assert.Equal([(Stage.IngressRules, "NO_INGRESS_RULE")], Deaths(await scene.ExplainAsync("198.51.100.1", floating, 443)));
        var outwards = await scene.ExplainAsync(B, "198.51.100.1");
        Assert.Contains("known as 203.0.113.0, its floating", outwards.Hops.Single(h => h.Stage == Stage.Translation).Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain((await scene.ExplainAsync(B, A)).Hops, h => h.Stage == Stage.Translation);
    }

    [Fact]
    public async Task WithoutAnEstablishedSession_NothingLeavesTheHypervisor()
    {
        await using var scene = await Scene.MakeAsync();
        await scene.PortAsync("a");
        await scene.IsAsync("a", "hv1", PortStatus.Types.State.Announced);
        var fabric = scene.Module.Get<Monolith.Network.Fabric.FabricNodes>();
        Task SayAsync(string state) => fabric.TakeAsync("hv1", Monolith.Network.Fabric.FabricSight.Read(
            [new FabricSession { Name = "tor1", State = state }], DateTime.UtcNow), default);
        await SayAsync("Active");
        Assert.Equal([(Stage.Uplink, "NO_BGP_SESSION")], Deaths(await scene.ExplainAsync(A, "198.51.100.1")));
        await SayAsync("Established");
        Assert.Empty(Deaths(await scene.ExplainAsync(A, "198.51.100.1")));
    }

    [Fact]
    public async Task WhatCannotBeFollowed_IsRefused_WithEveryViolation()
    {
        await using var scene = await Scene.MakeAsync();
        await scene.PortAsync("a");
        var fault = await Assert.ThrowsAsync<Monolith.Platform.Faults.Fault>(() => scene.ExplainAsync("web1", "nonsense", 99_999));
        Assert.Equal(["destination", "port", "source"], fault.Fields.Select(f => f.Field).Order(StringComparer.Ordinal));
        await Expect.FaultAsync(Grpc.Core.StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => scene.ExplainAsync(A, "projects/p/servers/none"));
        fault = await Assert.ThrowsAsync<Monolith.Platform.Faults.Fault>(() => scene.ExplainAsync(A, "2001:db8::1"));
        Assert.Equal("ip_version", Assert.Single(fault.Fields).Field);
    }
}
