using Google.Protobuf.WellKnownTypes;
using Monolith.Agent.V1;
using Monolith.Api.V1;
using Monolith.Lb.Nodes;
using static Monolith.Lb.V1.LoadBalancer.Types;

namespace Monolith.Lb.LoadBalancers;

/// <summary>What is known besides the row. Immutable.</summary>
internal sealed record Situation(IReadOnlyList<StatusRow> Statuses, IReadOnlyList<NodeRow> Nodes, DateTime Now);

/// <summary>State and conditions as they follow from the facts.</summary>
internal sealed record Report(State State, IReadOnlyList<Condition> Conditions);

/// <summary>The one thing to do next. Closed.</summary>
internal abstract record Next
{
    Next() { }

    /// <summary>Take a virtual address.</summary>
    public sealed record ClaimAddress : Next;
    /// <summary>Make the name lead to the address.</summary>
    public sealed record PublishName : Next;
    /// <summary>Write what is so.</summary>
    public sealed record Record(Report Report) : Next;
    /// <summary>Give the name back and remove the row.</summary>
    /// <param name="Held">A node has not let go: the address stays taken.</param>
    public sealed record Retire(bool Held) : Next;
    /// <summary>Somebody else's turn, but not for longer than this.</summary>
    public sealed record Wait(TimeSpan AtMost) : Next;
    public sealed record Nothing : Next;
}

/// <summary>
/// The life of a load balancer, decided from facts alone.
/// <code>
///   PENDING ── address claimed ── spec at the nodes ── served by one ── named ── served by all ──▶ READY
///      │ deadline, nobody serves                │ deadline or a node's failure, somebody serves     │ edit
///      ▼                                        ▼                                                   ▼
///   FAILED (tried on)                        DEGRADED (tried on)                                 PENDING …
///
///   any ── delete ──▶ DELETING ── every node that was told let go ── name, address, row ──▶ gone
///                        │ deadline                                                          ▲
///                        ▼                                                                   │
///               name and row go, ADDRESS HELD ── the last node let go, or is forgotten ── address
/// </code>
/// Every state but READY is left by itself when the facts change. A node whose agent is away may serve and announce on
/// what it was told, so it holds the address as a connected one does; the user waits for neither beyond the deadline.
/// </summary>
internal static class LoadBalancerLifecycle
{
    public const string AddressClaimed = "AddressClaimed";
    public const string Served = "Served";
    public const string Named = "Named";
    public const string Ready = "Ready";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Next Decide(LoadBalancerRow row, Situation facts)
    {
        if (row.Deleting && (facts.Statuses.Count == 0 || facts.Now >= row.DeleteTime + Patience))
            return new Next.Retire(Held: facts.Statuses.Count > 0);
        if (!row.Deleting)
        {
            if (row.Address.Length == 0) return new Next.ClaimAddress();
            if (row.DnsName.Length == 0 && Serving(row, facts).Count > 0) return new Next.PublishName();
        }
        var report = ReportOf(row, facts);
        if (report.State != row.State || !report.Conditions.SequenceEqual(row.Conditions) ||
            row.Unsettled != IsUnsettled(report.State)) return new Next.Record(report);
        var deadline = row.DeleteTime + Patience ?? LateAt(row, facts);
        return report.State is State.Pending or State.Deleting && deadline > facts.Now
            ? new Next.Wait(deadline - facts.Now)
            : new Next.Nothing();
    }

    /// <summary>Whether the timer has to look at it again.</summary>
    public static bool IsUnsettled(State state) => state != State.Ready;

    public static Report ReportOf(LoadBalancerRow row, Situation facts)
    {
        if (row.Deleting) return Deleting(row, facts);
        var lateAt = LateAt(row, facts);
        var late = facts.Now >= lateAt;
        var connected = facts.Nodes.Count(n => n.Connected);
        var serving = Serving(row, facts).Count;
        var claimed = row.Address.Length > 0 ? True(AddressClaimed) : Failed(row, AddressClaimed, late);
        var served = ServedOf(row, facts, late);
        var named = row.DnsName.Length > 0 ? True(Named) : Failed(row, Named, late);
        var steps = new[] { claimed, served, named };
        var all = steps.All(c => c.Status == Condition.Types.Status.True);
        var worst = steps.FirstOrDefault(c => c.Status == Condition.Types.Status.False)
            ?? steps.FirstOrDefault(c => c.Status != Condition.Types.Status.True);
        // Nobody is connected: what was served goes on being served, as far as anybody knows.
        var known = connected > 0 ? serving : facts.Statuses.Count(s => Serves(row, s));
        var state = all ? State.Ready
            : !late && served.Status != Condition.Types.Status.False ? State.Pending
            : known > 0 ? State.Degraded
            : late || served.Reason == "NODE_FAILED" ? State.Failed : State.Pending;
        var ready = all ? True(Ready) : new Condition
        {
            Type = Ready,
            Status = state == State.Pending ? Condition.Types.Status.Pending : Condition.Types.Status.False,
            Reason = worst!.Reason,
            Message = worst.Message,
        };
        return new(state, Timed(row, facts.Now, late ? null : lateAt, [.. steps, ready]));
    }

    static Report Deleting(LoadBalancerRow row, Situation facts)
    {
        var conditions = row.Conditions.Where(c => c.Type is not (Served or Ready)).Select(c => new Condition(c)).ToList();
        conditions.Insert(Math.Min(1, conditions.Count), new Condition
        {
            Type = Served,
            Status = Condition.Types.Status.False,
            Reason = "DELETING",
            Message = Awaited(facts),
        });
        conditions.Add(new Condition
        {
            Type = Ready,
            Status = Condition.Types.Status.False,
            Reason = "DELETING",
            Message = "It is being deleted.",
        });
        return new(State.Deleting, Timed(row, facts.Now, row.DeleteTime + Patience, conditions));
    }

    /// <summary>Who has not let go, and what helps.</summary>
    static string Awaited(Situation facts)
    {
        var holders = facts.Statuses.Select(s => s.Node).Order(StringComparer.Ordinal).ToList();
        if (holders.Count == 0) return "No node serves it.";
        var away = holders.Where(n => !IsConnected(facts, n)).ToList();
        var text = $"Waiting for {string.Join(", ", holders)} to stop serving, at most {Patience.TotalSeconds:0} s; "
            + "then the load balancer goes, and its address stays taken until they have stopped.";
        return away.Count == 0 ? text : text + $" Not connected: {string.Join(", ", away)}. Start the agent there, or have "
            + "the operators forget a machine that is off for good (DeleteNode).";
    }

    static Condition ServedOf(LoadBalancerRow row, Situation facts, bool late)
    {
        var connected = facts.Nodes.Where(n => n.Connected).Select(n => n.Id).Order(StringComparer.Ordinal).ToList();
        var served = new Condition { Type = Served, Status = Condition.Types.Status.Pending };
        if (row.Address.Length == 0)
        {
            if (late) (served.Status, served.Reason, served.Message) =
                (Condition.Types.Status.False, "NO_ADDRESS", "Nothing can be served before it has an address.");
            return served;
        }
        if (connected.Count == 0)
        {
            served.Status = late ? Condition.Types.Status.False : Condition.Types.Status.Pending;
            served.Reason = "NO_NODE_CONNECTED";
            served.Message = "No LB node is connected. Nodes go on serving what they served before; start the agent of one.";
            return served;
        }
        var byNode = facts.Statuses.ToDictionary(s => s.Node, StringComparer.Ordinal);
        var failed = connected.Where(n => byNode.TryGetValue(n, out var s) && IsFailed(row, s)).ToList();
        var serving = connected.Where(n => byNode.TryGetValue(n, out var s) && Serves(row, s)).ToList();
        served.Message = $"{serving.Count} of {connected.Count} connected LB nodes serve it.";
        if (serving.Count == connected.Count) served.Status = Condition.Types.Status.True;
        else if (failed.Count > 0)
        {
            served.Status = Condition.Types.Status.False;
            served.Reason = "NODE_FAILED";
            served.Message += string.Concat(failed.Select(n => $" {n}: {Cause(byNode[n].Status)}"));
        }
        else if (late)
        {
            served.Status = Condition.Types.Status.False;
            served.Reason = "NODE_LATE";
            served.Message += $" No word from {string.Join(", ", connected.Except(serving))} in "
                + $"{Patience.TotalSeconds:0} s; look at the agent there.";
        }
        return served;
    }

    /// <summary>A node that has just come has its own time to catch up.</summary>
    static DateTime LateAt(LoadBalancerRow row, Situation facts)
    {
        var from = row.SpecTime;
        foreach (var node in facts.Nodes)
            if (node.Connected && node.ChangeTime > from
                && !facts.Statuses.Any(s => s.Node == node.Id && Serves(row, s))) from = node.ChangeTime;
        return from + Patience;
    }

    static string Cause(LoadBalancerStatus status) =>
        status.Message.Length > 0 ? status.Message : status.Reason.Length > 0 ? status.Reason : "it gave no cause.";

    static bool Serves(LoadBalancerRow row, StatusRow status) => status.Generation == row.SpecGeneration
        && status.ReportDigest.Length > 0 && status.Status.State == LoadBalancerStatus.Types.State.Serving;

    static bool IsFailed(LoadBalancerRow row, StatusRow status) => status.Generation == row.SpecGeneration
        && status.ReportDigest.Length > 0 && status.Status.State == LoadBalancerStatus.Types.State.Failed;

    static List<string> Serving(LoadBalancerRow row, Situation facts) =>
        [.. facts.Statuses.Where(s => Serves(row, s) && IsConnected(facts, s.Node)).Select(s => s.Node)];

    static bool IsConnected(Situation facts, string node) => facts.Nodes.Any(n => n.Id == node && n.Connected);

    static Condition True(string type) => new() { Type = type, Status = Condition.Types.Status.True };

    static Condition Failed(LoadBalancerRow row, string type, bool late) => row.FailedStep != type
        ? new() { Type = type, Status = Condition.Types.Status.Pending }
        : new()
        {
            Type = type,
            Status = late ? Condition.Types.Status.False : Condition.Types.Status.Pending,
            Reason = row.FailedReason,
            Message = row.FailedMessage,
        };

    /// <summary>A condition's <c>since</c> is of its status; a deadline stands where something is awaited.</summary>
    static List<Condition> Timed(LoadBalancerRow row, DateTime now, DateTime? deadline, IReadOnlyList<Condition> conditions)
    {
        var before = row.Conditions;
        foreach (var condition in conditions)
        {
            var old = before.FirstOrDefault(c => c.Type == condition.Type);
            condition.Since = old is not null && old.Status == condition.Status ? old.Since : now.ToTimestamp();
            condition.Deadline = condition.Status == Condition.Types.Status.Pending ? deadline?.ToTimestamp() : null;
        }
        return [.. conditions];
    }
}
