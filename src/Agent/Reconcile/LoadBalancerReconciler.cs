using System.Net;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Monolith.Agent.L7;
using Monolith.Agent.Ledger;
using Monolith.Agent.Routing;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.LoadBalancerStatus.Types.State;

namespace Monolith.Agent.Reconcile;

/// <summary>What load balancers are reconciled with.</summary>
internal sealed record LoadBalancerReconcilerParts(
    ILoadBalancerDriver Driver, IRouting Routing, IRoutes Routes, VmPolicy Policy, TimeProvider Time, ILogger Log);

/// <summary>
/// Makes a node's load balancers what they shall be. One lane for the node, since one HAProxy serves all of them.
/// <code>
///   wanted ─▶ VIPs onto the loopback ─▶ apply all plans ─▶ VIPs that nobody wants off ─▶ observe ─▶ report
///                     ▲                                                                     │
///                     ├──────────── changed, HAProxy ended, or a minute has passed ◀────────┤ every 2 s
///                     └── wait, longer each time that HAProxy ends ◀────────────────────────┤
///                                  VIPs off the loopback ◀── it cannot be started ─────────┘
/// </code>
/// Which VIPs are ours is in a ledger before they are announced: none is left behind by a crash. A load balancer that
/// is no longer wanted keeps its status until apply has left it out, since its address is given to others after that.
/// </summary>
internal sealed class LoadBalancerReconciler : IAsyncDisposable
{
    private const string Node = "node";
    private static readonly TimeSpan ObserveEvery = TimeSpan.FromSeconds(2);

    /// <summary>HAProxy that ran for so long did not end for what it was told.</summary>
    private static readonly TimeSpan Calm = TimeSpan.FromMinutes(1);

    private readonly DesiredSet desired;
    private readonly StatusBoard board;
    private readonly ILedger vipLedger;
    private readonly HashSet<IPAddress> vips;
    private readonly LoadBalancerReconcilerParts with;
    private readonly Lanes lanes;
    private IReadOnlyList<object>? tried;
    // Null while the last try failed.
    private DateTimeOffset? appliedAt;
    private DateTimeOffset restUntil;
    private int attempt;

    public LoadBalancerReconciler(
        DesiredSet desired, StatusBoard board, ILedger vipLedger, LoadBalancerReconcilerParts with)
    {
        (this.desired, this.board, this.vipLedger, this.with) = (desired, board, vipLedger, with);
        vips =
            [.. vipLedger.Load().Select(r => IPAddress.TryParse(r.Key, out var vip) ? vip : null).OfType<IPAddress>()];
        lanes = new Lanes("load-balancers", (_, cancellation) => StepAsync(cancellation), with.Time, with.Log);
        foreach (var id in desired.Leaving) SayThatItLeaves(id);
        with.Driver.Ended += Start;
    }

    public void Start() => lanes.Wake(Node);

    public void OnChanged(IReadOnlyList<DesiredChange> changes)
    {
        // Before the stream's next full report: what is not in that one does not exist.
        foreach (var change in changes.Where(c => c.Item is null)) SayThatItLeaves(change.Key);
        lanes.Wake(Node, cause: changes.Select(c => c.Cause).FirstOrDefault(c => c != default));
    }

    public ValueTask DisposeAsync()
    {
        with.Driver.Ended -= Start;
        return lanes.DisposeAsync();
    }

    private async Task<Verdict> StepAsync(CancellationToken cancellation)
    {
        var leaving = desired.Leaving;
        var specs = desired.Snapshot().Select(i => (LoadBalancerSpec)i.Body)
            .OrderBy(s => s.Id, StringComparer.Ordinal).ToList();
        var refused = new Dictionary<string, string>(StringComparer.Ordinal);
        var plans = PlansOf(specs, refused);
        try
        {
            if (IsDue(specs, leaving))
            {
                await AgentTelemetry.StepAsync(
                    "ApplyLoadBalancers", Node, with.Time, () => ApplyAsync(plans, cancellation));
                appliedAt = with.Time.GetUtcNow();
                foreach (var id in leaving) SayThatItIsGone(id);
            }

            var rest = restUntil - with.Time.GetUtcNow();
            // What failed was reported as that, and is tried again then.
            if (appliedAt is null) return Verdict.After(rest);
            await ReportAsync(specs, refused, cancellation);
            if (specs.Count == 0) return Verdict.Done;
            return Verdict.LookAfter(!with.Driver.InForce && rest < ObserveEvery ? rest : ObserveEvery);
        }
        catch (Exception e) when (e is LoadBalancerException or IOException)
        {
            var reason = e is LoadBalancerException fault
                ? $"LB_{fault.Reason.ToString().ToUpperInvariant()}"
                : "LB_NODE_FAILED";
            foreach (var spec in specs) Report(spec, State.Failed, reason, e.Message, 0, []);
            with.Log.LoadBalancerFailed(Node, reason, e.Message);
            appliedAt = null;
            // Packets are for a node that has somebody to take them: the others do.
            if (e is LoadBalancerException { Reason: LoadBalancerFailure.NotInstalled or LoadBalancerFailure.StartFailed })
                await StepAsideAsync(cancellation);
            return Verdict.After(Rest());
        }
    }

    /// <summary>No VIP is announced until the next try; the ledger keeps them, so that none is left behind.</summary>
    private async Task StepAsideAsync(CancellationToken cancellation)
    {
        try
        {
            foreach (var vip in vips) await with.Routing.WithdrawVipAsync(vip, cancellation);
        }
        catch (IOException e)
        {
            with.Log.LoadBalancerFailed(Node, "LB_NODE_FAILED", e.Message);
        }
    }

    /// <summary>A new wish is tried at once; what is to be repeated, when it has rested.</summary>
    private bool IsDue(List<LoadBalancerSpec> specs, IReadOnlyList<string> leaving)
    {
        if (tried is null || !tried.SequenceEqual(specs, ReferenceEqualityComparer.Instance))
        {
            (tried, attempt) = (specs, 0);
            return true;
        }

        var now = with.Time.GetUtcNow();
        if (now < restUntil) return false;
        if (appliedAt is not { } at || leaving.Count > 0 || now - at >= with.Policy.ResyncEvery) return true;
        if (with.Driver.InForce) return false;
        // An end out of the blue is answered at once, a second one soon after it is not.
        if (now - at > Calm) attempt = 0;
        Rest();
        return true;
    }

    private TimeSpan Rest()
    {
        var wait = with.Policy.Retry.After(attempt++, Random.Shared.NextDouble());
        restUntil = with.Time.GetUtcNow() + wait;
        return wait;
    }

    private void SayThatItLeaves(string id)
    {
        if (board.Find(id) is null) board.Set(id, StatusOf(id, State.Removing));
    }

    /// <summary>Unless it is wanted again meanwhile: then its next status says what became of it.</summary>
    private void SayThatItIsGone(string id)
    {
        if (desired.Left(id)) board.Farewell(id, StatusOf(id, State.Removed));
    }

    private LoadBalancerStatus StatusOf(string id, State state) =>
        new() { Id = id, State = state, Since = Timestamp.FromDateTimeOffset(with.Time.GetUtcNow()) };

    private static List<LoadBalancerPlan> PlansOf(List<LoadBalancerSpec> specs, Dictionary<string, string> refused)
    {
        var plans = new List<LoadBalancerPlan>();
        foreach (var spec in specs)
        {
            try
            {
                plans.Add(LoadBalancerPlans.Of(spec));
            }
            catch (FormatException e)
            {
                refused[spec.Id] = e.Message;
            }
        }

        return plans;
    }

    private async Task ApplyAsync(List<LoadBalancerPlan> plans, CancellationToken cancellation)
    {
        var wanted = plans.SelectMany(p => p.Vips).ToHashSet();
        var fresh = wanted.Where(v => !vips.Contains(v)).ToList();
        vipLedger.Commit([.. fresh.Select(v => LedgerRecord.Put(v.ToString(), 1, new Empty()))]);
        vips.UnionWith(fresh);
        foreach (var vip in wanted) await with.Routing.AnnounceVipAsync(vip, cancellation);
        await with.Driver.ApplyAsync(plans, cancellation);
        foreach (var vip in vips.Where(v => !wanted.Contains(v)).ToList())
        {
            await with.Routing.WithdrawVipAsync(vip, cancellation);
            vipLedger.Commit([LedgerRecord.Drop(vip.ToString())]);
            vips.Remove(vip);
        }
    }

    private async Task ReportAsync(
        List<LoadBalancerSpec> specs, Dictionary<string, string> refused, CancellationToken cancellation)
    {
        var observed = (await with.Driver.ObserveAsync(cancellation)).ToDictionary(
            o => o.Id.Value, StringComparer.Ordinal);
        foreach (var spec in specs)
        {
            if (refused.TryGetValue(spec.Id, out var cause))
            {
                Report(
                    spec, State.Failed, "INVALID_LOAD_BALANCER", $"The load balancer cannot be made: {cause}.", 0, []);
                continue;
            }

            if (!observed.TryGetValue(spec.Id, out var found)) continue;
            var peers = await CountPeersAsync(spec, cancellation);
            if (found.Applied)
                Report(spec, State.Serving, "", "", peers, found.Members);
            else
                Report(spec, State.Failed, "LB_NOT_APPLIED", $"{found.Cause} What was served before is served on.",
                    peers, found.Members);
        }
    }

    private async Task<int> CountPeersAsync(LoadBalancerSpec spec, CancellationToken cancellation)
    {
        try
        {
            return await with.Routes.CountPeersAsync([.. spec.Addresses.Select(IPAddress.Parse)], cancellation);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private void Report(
        LoadBalancerSpec spec,
        State state, string reason, string message, int peers, IReadOnlyList<MemberObservation> members)
    {
        var last = board.Find(spec.Id) as LoadBalancerStatus;
        var status = new LoadBalancerStatus
        {
            Id = spec.Id,
            Generation = spec.Generation,
            State = state,
            Reason = reason,
            Message = message,
            AnnouncedPeers = peers,
            Since = last is not null && last.State == state && last.Reason == reason
                ? last.Since
                : Timestamp.FromDateTimeOffset(with.Time.GetUtcNow()),
        };
        status.Members.AddRange(members.Select(LoadBalancerPlans.FactOf));
        board.Set(spec.Id, status);
    }
}
