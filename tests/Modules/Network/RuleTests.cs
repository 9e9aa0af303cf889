using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Api.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Ports;
using Monolith.Network.SecurityGroups;
using Monolith.Network.V1;
using Direction = Monolith.Network.V1.SecurityRule.Types.Direction;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Modules.Tests.Network;

public class RuleTests
{
    static SecurityRule In(Protocol protocol, int min = 0, int max = 0) =>
        new() { Direction = Direction.Ingress, Protocol = protocol, PortMin = min, PortMax = max };

    static SecurityRule Out(Protocol protocol, int min = 0, int max = 0) =>
        new() { Direction = Direction.Egress, Protocol = protocol, PortMin = min, PortMax = max };

    static SecurityRule From(SecurityRule rule, string remote)
    {
        if (remote.Contains("securityGroups", StringComparison.Ordinal)) rule.RemoteGroup = remote;
        else rule.RemotePrefix = remote;
        return rule;
    }

    static string[] Resolve(params SecurityRule[][] groups) =>
    [
        .. RuleResolution.Resolve(groups, name => name == "projects/p/securityGroups/web" ? "w" : null).Select(Text),
    ];

    static string Text(PortRule r) => $"{(r.Egress ? "out" : "in")} {r.Protocol} {r.PortMin}-{r.PortMax} " +
        $"{r.IcmpType} {r.RemotePrefix}{(r.RemoteCase == PortRule.RemoteOneofCase.RemoteSet ? "@" + r.RemoteSet : "")}";

    [Fact]
    public void Resolve_NoGroups_LetsEverythingOutAndNothingIn() => Assert.Equal(["out any 0-0 -1 "], Resolve());

    [Fact]
    public void Resolve_OneGroupSaysWhatGoesOut_NothingElseGoesOut() => Assert.Equal(
        ["in tcp 22-22 -1 ", "out tcp 443-443 -1 "],
        Resolve([In(Protocol.Tcp, 22, 22)], [Out(Protocol.Tcp, 443, 443)]));

    [Fact]
    public void Resolve_TheSameRulesInAnyOrderAndTwice_IsTheSame()
    {
        var icmp = In(Protocol.Icmp);
        icmp.IcmpType = 8;
        SecurityRule[] rules =
        [
            In(Protocol.Udp, 53, 53), From(In(Protocol.Any), "projects/p/securityGroups/web"), icmp,
            From(In(Protocol.Tcp, 80, 90), "10.0.0.0/8"), From(In(Protocol.Tcp, 80, 90), "2001:db8::/32"),
        ];
        var once = Resolve(rules);
        Assert.Equal(
        [
            "in any 0-0 -1 @w", "in icmp 0-0 8 ", "in tcp 80-90 -1 10.0.0.0/8", "in tcp 80-90 -1 2001:db8::/32",
            "in udp 53-53 -1 ", "out any 0-0 -1 ",
        ], once);
        Assert.Equal(once, Resolve([.. rules.Reverse()], rules[..2], rules[3..]));
    }

    [Fact]
    public void Resolve_RuleOfAGroupThatIsGone_AllowsNobody() => Assert.Equal(["out any 0-0 -1 "],
        Resolve([From(In(Protocol.Any), "projects/p/securityGroups/gone")]));

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_WithManyMistakes_NamesThemAll(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        var icmp = In(Protocol.Tcp);
        icmp.IcmpType = 300;
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => net.GroupAsync("Web",
            new SecurityRule(), In(Protocol.Any, 1, 2), In(Protocol.Tcp, 90, 80), In(Protocol.Udp, 0, 70000), icmp,
            From(In(Protocol.Any), "10.0.0.1/8"), From(In(Protocol.Any), "projects/p/securityGroups/")));
        string[] expected =
        [
            "security_group_id", "security_group.rules[0].direction", "security_group.rules[0].protocol",
            "security_group.rules[1].port_min", "security_group.rules[2].port_max", "security_group.rules[3].port_min",
            "security_group.rules[3].port_max", "security_group.rules[4].icmp_type",
            "security_group.rules[4].icmp_type", "security_group.rules[5].remote_prefix",
        ];
        Assert.Equal(expected, fault.Fields.Select(f => f.Field).Where(f => !f.EndsWith("remote_group", StringComparison.Ordinal)));
        Assert.Contains("10.0.0.0/8", fault.Fields.Single(f => f.Field.EndsWith("remote_prefix", StringComparison.Ordinal)).Description,
            StringComparison.Ordinal);
        Assert.Contains("security_group.rules[6].remote_group", fault.Fields.Select(f => f.Field));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Create_NamingGroupsThatAreNotTheProjects_NamesEach(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        await net.NetworkAsync("q", "default", "servers");
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => net.GroupAsync("web",
            From(In(Protocol.Any), "projects/p/securityGroups/none"),
            From(In(Protocol.Any), "projects/p/securityGroups/web"),
            From(In(Protocol.Any), "projects/q/securityGroups/default")));
        Assert.Equal(["security_group.rules[0].remote_group", "security_group.rules[2].remote_group"],
            fault.Fields.Select(f => f.Field));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Delete_WhileInUse_SaysWhoUsesItAndWorksAfterwards(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        await net.GroupAsync("web");
        await net.GroupAsync("db", From(In(Protocol.Tcp, 5432, 5432), "projects/p/securityGroups/web"));
        var owner = Guid.CreateVersion7();
        await net.ClaimAsync(owner, "web1", "", "web");
        DeleteSecurityGroupRequest Delete(string id) => new() { Name = "projects/p/securityGroups/" + id };
        var fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "SECURITY_GROUP_IN_USE",
            () => net.Groups.DeleteSecurityGroup(Delete("web"), NetworkFixture.Call()));
        Assert.Equal(2, fault.Preconditions.Count);
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "SECURITY_GROUP_IN_USE",
            () => net.Groups.DeleteSecurityGroup(Delete("default"), NetworkFixture.Call()));
        await net.Owned.ReleaseAsync(owner, default);
        await net.Groups.DeleteSecurityGroup(Delete("db"), NetworkFixture.Call());
        await net.Groups.DeleteSecurityGroup(Delete("web"), NetworkFixture.Call());
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND",
            () => net.Groups.DeleteSecurityGroup(Delete("web"), NetworkFixture.Call()));
    }

    [Theory]
    [InlineData(PortStatus.Types.State.Plugged, Port.Types.State.Pending, "Plugged TRUE, Announced PENDING")]
    [InlineData(PortStatus.Types.State.Carrier, Port.Types.State.Pending, "Plugged TRUE, Announced PENDING")]
    [InlineData(PortStatus.Types.State.Announced, Port.Types.State.Active, "Plugged TRUE, Announced TRUE")]
    [InlineData(PortStatus.Types.State.Failed, Port.Types.State.Failed, "Plugged FALSE NO_TAP, Announced PENDING")]
    [InlineData(PortStatus.Types.State.Unspecified, Port.Types.State.Pending, "Plugged PENDING, Announced PENDING")]
    public void Report_AfterBind_SetsStateAndConditions(PortStatus.Types.State reported, Port.Types.State state,
        string conditions)
    {
        var port = Bound();
        PortStates.Report(port, Status(reported), DateTime.UnixEpoch.AddSeconds(5));
        Assert.Equal((state, conditions), (port.State, Text(port)));
    }

    [Fact]
    public void Report_FailureOfWhatWasInPlace_BlamesTheRoutesAndKeepsTheTimeOfTheRest()
    {
        var port = Bound();
        PortStates.Report(port, Status(PortStatus.Types.State.Announced), DateTime.UnixEpoch.AddSeconds(5));
        Assert.False(PortStates.Report(port, Status(PortStatus.Types.State.Announced), DateTime.UnixEpoch.AddSeconds(6)));
        Assert.True(PortStates.Report(port, Status(PortStatus.Types.State.Failed), DateTime.UnixEpoch.AddSeconds(7)));
        Assert.Equal((Port.Types.State.Failed, "Plugged TRUE, Announced FALSE NO_TAP"), (port.State, Text(port)));
        Assert.Equal([5, 7], port.Conditions.Select(c => (int)c.Since.Seconds));
    }

    static PortStatus Status(PortStatus.Types.State state) =>
        new() { State = state, Reason = state == PortStatus.Types.State.Failed ? "NO_TAP" : "", ReportDigest = $"{state}" };

    static PortRow Bound()
    {
        var port = new PortRow
        {
            Name = "projects/p/ports/a",
            Network = "projects/p/networks/default",
            Addresses = "",
            MacAddress = "",
            Hostname = "",
        };
        PortStates.Await(port, DateTime.UnixEpoch);
        return port;
    }

    static string Text(PortRow port) => string.Join(", ", port.Conditions.Select(c =>
        $"{c.Type} {(c.Status == Condition.Types.Status.True ? "TRUE" : c.Status == Condition.Types.Status.False ? "FALSE" : "PENDING")} {c.Reason}".TrimEnd()));
}
