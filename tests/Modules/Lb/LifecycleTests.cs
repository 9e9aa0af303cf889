using Monolith.Agent.V1;
using Monolith.Api.V1;
using Monolith.Lb.LoadBalancers;
using Monolith.Lb.Nodes;
using static Monolith.Lb.V1.LoadBalancer.Types;

namespace Monolith.Modules.Tests.Lb;

public sealed class LifecycleTests
{
    static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData(0, "Pending", "Pending")]
    [InlineData(31, "False", "Degraded")]
    public void AName_ThatIsAnothers_IsSaidFromTheFirstRefusalOn_AndTriedOn(int seconds, string status, string state)
    {
        var row = Row();
        row.Address = "10.96.0.1";
        row.Failed(LoadBalancerLifecycle.Named, "NAME_TAKEN", "It is the name of projects/demo/servers/web.");
        var facts = Facts(row, "a:s", Start.AddSeconds(seconds));
        var report = LoadBalancerLifecycle.ReportOf(row, facts);
        Assert.Equal(state, report.State.ToString());
        foreach (var type in new[] { LoadBalancerLifecycle.Named, LoadBalancerLifecycle.Ready })
        {
            var condition = Assert.Single(report.Conditions, c => c.Type == type);
            Assert.Equal((status, "NAME_TAKEN", "It is the name of projects/demo/servers/web."),
                (condition.Status.ToString(), condition.Reason, condition.Message));
        }
        Assert.IsType<Next.PublishName>(LoadBalancerLifecycle.Decide(row, facts));
    }

    /// <summary>
    /// Nodes are written <c>name:what</c>: <c>s</c> serves the generation, <c>o</c> an older one, <c>f</c> failed at it,
    /// <c>n</c> was told and said nothing, <c>-</c> was never told; a capital letter: the node is not connected.
    /// </summary>
    [Theory]
    // address, name, seconds since the spec, nodes → next, state
    [InlineData("", "", 0, "", "ClaimAddress", "Pending")]
    [InlineData("", "", 31, "a:-", "ClaimAddress", "Failed")]
    [InlineData("10.96.0.1", "", 0, "", "", "Pending")]
    [InlineData("10.96.0.1", "", 31, "", "", "Failed")]
    [InlineData("10.96.0.1", "", 0, "a:n b:-", "", "Pending")]
    [InlineData("10.96.0.1", "", 0, "a:s b:n", "PublishName", "Pending")]
    [InlineData("10.96.0.1", "x", 0, "a:s b:n", "", "Pending")]
    [InlineData("10.96.0.1", "x", 0, "a:s b:o", "", "Pending")]
    [InlineData("10.96.0.1", "x", 0, "a:s b:s", "", "Ready")]
    [InlineData("10.96.0.1", "x", 99, "a:s b:s", "", "Ready")]
    [InlineData("10.96.0.1", "x", 99, "a:s b:S", "", "Ready")]
    [InlineData("10.96.0.1", "x", 31, "a:s b:o", "", "Degraded")]
    [InlineData("10.96.0.1", "x", 31, "a:s b:-", "", "Degraded")]
    [InlineData("10.96.0.1", "x", 0, "a:s b:f", "", "Degraded")]
    [InlineData("10.96.0.1", "x", 0, "a:f b:f", "", "Failed")]
    [InlineData("10.96.0.1", "x", 31, "a:o b:n", "", "Failed")]
    [InlineData("10.96.0.1", "x", 31, "a:S b:S", "", "Degraded")]
    [InlineData("10.96.0.1", "x", 31, "a:O", "", "Failed")]
    [InlineData("10.96.0.1", "", 31, "a:s", "PublishName", "Degraded")]
    public void Decide_WhileWanted_SaysTheOneNextThing(string address, string name, int seconds, string nodes,
        string next, string state)
    {
        var row = Row();
        (row.Address, row.DnsName) = (address, name);
        var facts = Facts(row, nodes, Start.AddSeconds(seconds));
        var decided = LoadBalancerLifecycle.Decide(row, facts);
        Assert.Equal(next.Length > 0 ? next : decided is Next.Record ? "Record" : decided.GetType().Name, decided.GetType().Name);
        var report = LoadBalancerLifecycle.ReportOf(row, facts);
        Assert.Equal(state, report.State.ToString());
        Assert.Equal(["AddressClaimed", "Served", "Named", "Ready"], report.Conditions.Select(c => c.Type));
        Assert.Equal(report.State == State.Ready, report.Conditions.All(c => c.Status == Condition.Types.Status.True));
        // What is not well has its cause, and what is awaited its deadline.
        foreach (var condition in report.Conditions)
        {
            if (condition.Status == Condition.Types.Status.False && condition.Type == "Served")
                Assert.True(condition is { Reason.Length: > 0, Message.Length: > 0 });
            if (condition.Status == Condition.Types.Status.Pending && seconds < 30) Assert.NotNull(condition.Deadline);
        }
        // Written down once, there is nothing to write: a decision never leads to itself for ever.
        if (next.Length > 0) return;
        row.Take(report);
        row.Unsettled = LoadBalancerLifecycle.IsUnsettled(row.State);
        Assert.IsNotType<Next.Record>(LoadBalancerLifecycle.Decide(row, facts));
    }

    [Theory]
    [InlineData(0, "", "Retire")]
    [InlineData(0, "a:n", "Record")]
    [InlineData(0, "a:s b:f", "Record")]
    [InlineData(0, "a:S", "Record")]
    [InlineData(0, "a:N", "Record")]
    [InlineData(30, "a:S b:-", "Retire")]
    [InlineData(0, "a:-", "Retire")]
    [InlineData(30, "a:s", "Retire")]
    public void Decide_WhileDeleting_WaitsForEveryNodeThatWasTold_AtMostUntilTheDeadline(int seconds, string nodes, string next)
    {
        var row = Row();
        (row.Address, row.DnsName, row.DeleteTime) = ("10.96.0.1", "x", Start);
        var facts = Facts(row, nodes, Start.AddSeconds(seconds));
        var decided = LoadBalancerLifecycle.Decide(row, facts);
        Assert.Equal(next, decided.GetType().Name);
        if (decided is Next.Retire retire) Assert.Equal(seconds > 0, retire.Held);
        if (decided is not Next.Record record) return;
        Assert.Equal(State.Deleting, record.Report.State);
        row.Take(record.Report);
        Assert.Equal(TimeSpan.FromSeconds(30), Assert.IsType<Next.Wait>(LoadBalancerLifecycle.Decide(row, facts)).AtMost);
    }

    [Fact]
    public void Report_WhileDeleting_NamesTheNodeThatIsAway_AndTheWayOut()
    {
        var row = Row();
        (row.Address, row.DnsName, row.DeleteTime) = ("10.96.0.1", "x", Start);
        var served = LoadBalancerLifecycle.ReportOf(row, Facts(row, "a:s b:S", Start)).Conditions
            .Single(c => c.Type == LoadBalancerLifecycle.Served);
        Assert.Equal("DELETING", served.Reason);
        Assert.Contains("Waiting for a, b to stop serving", served.Message, StringComparison.Ordinal);
        Assert.Contains("Not connected: b. Start the agent there", served.Message, StringComparison.Ordinal);
        Assert.Contains("DeleteNode", served.Message, StringComparison.Ordinal);
        var here = LoadBalancerLifecycle.ReportOf(row, Facts(row, "a:s", Start)).Conditions
            .Single(c => c.Type == LoadBalancerLifecycle.Served);
        Assert.DoesNotContain("Not connected", here.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Report_OfANodeThatFailed_NamesItAndItsCause()
    {
        var row = Row();
        (row.Address, row.DnsName) = ("10.96.0.1", "x");
        var served = LoadBalancerLifecycle.ReportOf(row, Facts(row, "a:s b:f", Start)).Conditions[1];
        Assert.Equal("NODE_FAILED", served.Reason);
        Assert.Equal("1 of 2 connected LB nodes serve it. b: no such device", served.Message);
    }

    [Fact]
    public void Report_OfANodeThatHasJustCome_GivesItItsOwnTime()
    {
        var row = Row();
        (row.Address, row.DnsName) = ("10.96.0.1", "x");
        var now = Start.AddHours(1);
        var facts = Facts(row, "a:s", now);
        NodeRow young = new() { Id = "b", Connected = true, ChangeTime = now };
        facts = facts with { Nodes = [.. facts.Nodes, young] };
        Assert.Equal(State.Pending, LoadBalancerLifecycle.ReportOf(row, facts).State);
        Assert.Equal(State.Degraded, LoadBalancerLifecycle.ReportOf(row, facts with { Now = now.AddSeconds(30) }).State);
    }

    [Fact]
    public void Report_OfAClaimThatFailed_BringsItsCause()
    {
        var row = Row();
        row.Failed("AddressClaimed", "POOL_EXHAUSTED", "The pool has no free address.");
        var claimed = LoadBalancerLifecycle.ReportOf(row, Facts(row, "a:-", Start.AddSeconds(31))).Conditions[0];
        Assert.Equal((Condition.Types.Status.False, "POOL_EXHAUSTED"), (claimed.Status, claimed.Reason));
    }

    static LoadBalancerRow Row() => new()
    { Name = "projects/demo/loadBalancers/lb", Project = "demo", SpecGeneration = 5, SpecTime = Start };

    static Situation Facts(LoadBalancerRow row, string nodes, DateTime now)
    {
        var (statuses, rows) = (new List<StatusRow>(), new List<NodeRow>());
        foreach (var text in nodes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var (id, what) = (text[..1], text[2]);
            rows.Add(new NodeRow { Id = id, Connected = !char.IsUpper(what), ChangeTime = Start.AddDays(-1) });
            if (what == '-') continue;
            var status = new StatusRow { LoadBalancerUid = row.Uid, Node = id };
            if (char.ToLowerInvariant(what) is 's' or 'o' or 'f')
                status.Take(new LoadBalancerStatus
                {
                    Generation = (ulong)row.SpecGeneration - (char.ToLowerInvariant(what) == 'o' ? 1UL : 0),
                    State = what is 'f' ? LoadBalancerStatus.Types.State.Failed : LoadBalancerStatus.Types.State.Serving,
                    Message = what is 'f' ? "no such device" : "",
                    ReportDigest = "d",
                });
            statuses.Add(status);
        }
        return new(statuses, rows, now);
    }
}
