using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Network;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.PortStatus.Types.State;

namespace Monolith.Agent.Reconcile;

/// <summary>What ports are reconciled with.</summary>
internal sealed record PortReconcilerParts(
    IDataPlane DataPlane,
    IRoutes Routes,
    VmPolicy Policy,
    string TapPrefix,
    TapOwner Owner,
    TimeProvider Time,
    Random Dice,
    ILogger Log)
{
    /// <summary>Whether the desired vm behind a port has a guest that may not be on this machine.</summary>
    public Func<string, bool> MayBeElsewhere { get; init; } = _ => false;
}

/// <summary>
/// Makes ports and address sets what they shall be. One lane for each; keys are ids of ports, <c>set:</c> + id, and
/// <c>tap:</c> + name for a tap that carries no id. See <see cref="PortDecide"/>.
/// </summary>
internal sealed class PortReconciler : IPorts, IAsyncDisposable
{
    private const string TapKey = "tap:";
    private static readonly TimeSpan AnnouncePoll = TimeSpan.FromMilliseconds(250), AnnounceSlowPoll =
        TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnnounceSoon = TimeSpan.FromSeconds(10);

    private readonly DesiredSet desired;
    private readonly StatusBoard board;
    private readonly PortReconcilerParts with;
    private readonly Lanes lanes;
    private readonly CancellationTokenSource stop = new();
    private readonly SharedObservation<PortObservation> observation;
    private readonly ConcurrentDictionary<string, PortSpec> applied = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AddressSet> appliedSets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, State> states = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> unwanted = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> attempts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> guests = new(StringComparer.Ordinal);
    // As the kernel has it.
    private readonly ConcurrentDictionary<string, bool> routed = new(StringComparer.Ordinal);
    private volatile bool inSync;
    private ITimer? resync;
    private Task watching = Task.CompletedTask;

    public PortReconciler(DesiredSet desired, StatusBoard board, PortReconcilerParts with)
    {
        (this.desired, this.board, this.with) = (desired, board, with);
        observation = new SharedObservation<PortObservation>(with.DataPlane.ObserveAsync, KeyOf, stop.Token);
        lanes = new Lanes("ports", StepAsync, with.Time, with.Log);
    }

    public event Action<string>? PortChanged;

    public bool IsPlugged(string portId) => states.TryGetValue(portId, out var state) && state is not State.Failed;

    public PortTrouble? TroubleOf(string portId) => board.Find(portId) is PortStatus { State: State.Failed } failed
        ? new PortTrouble(failed.Reason, failed.Message)
        : null;

    public PortSpec? Find(string portId) => desired.Find(portId)?.Body as PortSpec;

    public void GuestIs(string portId, bool here)
    {
        guests[portId] = here;
        // What was not made yet, or is being made, hears of it by itself.
        if (!routed.TryGetValue(portId, out var was) || was == here) return;
        // Given anew, with its routes or without them; until then nothing may begin to use it.
        applied.TryRemove(portId, out _);
        states.TryRemove(portId, out _);
        lanes.Wake(portId);
    }

    public bool IsWithdrawn(string portId) =>
        desired.Find(portId) is null || (!IsHere(portId) && IsPlugged(portId) && !routed.GetValueOrDefault(portId, true));

    public async Task StartAsync(CancellationToken cancellation)
    {
        await with.DataPlane.PrepareAsync(cancellation);
        watching = Task.WhenAll(WatchDataPlaneAsync(), WatchRoutesAsync());
        await WakeEverythingAsync(cancellation);
        var every = with.Policy.ResyncEvery;
        resync = with.Time.CreateTimer(_ => _ = WakeEverythingQuietlyAsync(), null, every, every);
    }

    public void OnChanged(IReadOnlyList<DesiredChange> changes)
    {
        foreach (var change in changes)
        {
            attempts.TryRemove(change.Key, out _);
            lanes.Wake(change.Key, cause: change.Cause);
        }
    }

    public void OnInSync()
    {
        inSync = true;
        _ = WakeEverythingQuietlyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (resync is not null) await resync.DisposeAsync();
        await stop.CancelAsync();
        await lanes.DisposeAsync();
        await watching;
        stop.Dispose();
    }

    private static string KeyOf(PortObservation observed) =>
        observed.PortId.Length > 0 ? observed.PortId : TapKey + observed.TapName;

    private async Task WatchDataPlaneAsync()
    {
        try
        {
            await foreach (var change in with.DataPlane.WatchAsync(stop.Token))
            {
                if (change.Change != DataPlaneChange.Answered) lanes.Wake(change.PortId);
            }
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }

    private async Task WatchRoutesAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await with.Routes.WaitForChangeAsync(stop.Token);
                foreach (var (id, state) in states)
                {
                    if (state is State.Carrier or State.Announced) lanes.Wake(id);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (IOException)
            {
                // BIRD is away: ports ask for themselves meanwhile.
                await Task.Delay(AnnounceSlowPoll, with.Time, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    private async Task WakeEverythingAsync(CancellationToken cancellation)
    {
        var observed = await with.DataPlane.ObserveAsync(cancellation);
        // Sets first: what a rule names is there when the rule comes.
        foreach (var key in desired.Keys.Concat(desired.Leaving).Concat(observed.Select(KeyOf)).Distinct()
            .OrderBy(k => !PortConcern.IsSet(k)))
            lanes.Wake(key);
    }

    private async Task WakeEverythingQuietlyAsync()
    {
        try
        {
            await WakeEverythingAsync(stop.Token);
        }
        catch (Exception e)
        {
            if (!stop.IsCancellationRequested) with.Log.StepFailed(e, "ports", "everything");
        }
    }

    private async Task<Verdict> StepAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return PortConcern.IsSet(key)
                ? await SetStepAsync(key, cancellation)
                : await PortStepAsync(key, cancellation);
        }
        catch (Exception e) when (e is InvalidPlanException or FormatException)
        {
            Fail(key, "INVALID_PORT", $"The port cannot be made: {e.Message}.");
            return Verdict.Done;
        }
        catch (IOException e)
        {
            Fail(key, "PORT_NOT_APPLIED", $"The hypervisor's kernel refused the port: {e.Message}. It is tried again.");
            return Verdict.After(Backoff(key));
        }
    }

    private TimeSpan Backoff(string key) =>
        with.Policy.Retry.After(attempts.AddOrUpdate(key, 0, (_, n) => n + 1), with.Dice.NextDouble());

    private async Task<Verdict> SetStepAsync(string key, CancellationToken cancellation)
    {
        var id = key[PortConcern.SetPrefix.Length..];
        if (desired.Find(key)?.Body is AddressSet set)
        {
            await EnsureSetAsync(set, cancellation);
            return Verdict.Done;
        }

        await with.DataPlane.RemoveSetsAsync([id], cancellation);
        appliedSets.TryRemove(id, out _);
        desired.Left(key);
        return new Verdict.Gone();
    }

    private async Task EnsureSetAsync(AddressSet set, CancellationToken cancellation)
    {
        if (appliedSets.TryGetValue(set.Id, out var applied) && ReferenceEquals(applied, set)) return;
        await with.DataPlane.EnsureSetsAsync([PortPlans.Of(set)], cancellation);
        appliedSets[set.Id] = set;
    }

    private async Task<Verdict> PortStepAsync(string key, CancellationToken cancellation)
    {
        var observed = (await observation.RefreshAsync()).GetValueOrDefault(key);
        var now = Look(key, observed);
        switch (PortDecide.Decide(now))
        {
            case PortDecision.Ensure:
                await AgentTelemetry.StepAsync(
                    "EnsurePort", key, with.Time, () => EnsureAsync(now.Desired!, cancellation));
                // The guest went or came meanwhile.
                if (!applied.ContainsKey(key)) return Verdict.Next;
                observed = (await observation.RefreshAsync()).GetValueOrDefault(key);
                return await SettleAsync(now.Desired!, observed, cancellation);
            case PortDecision.Settle:
                return await SettleAsync(now.Desired!, observed, cancellation);
            case PortDecision.Spare spare:
                if (now.InSync && unwanted.TryAdd(key, now.Now)) with.Log.Unwanted("ports", key, now.Grace);
                SetState(key, State.Failed);
                return now.InSync ? Verdict.After(spare.For) : Verdict.Done;
            case PortDecision.Remove:
                await AgentTelemetry.StepAsync("RemovePort", key, with.Time, () => RemoveAsync(key, cancellation));
                Forget(key);
                return new Verdict.Gone();
            default:
                Forget(key);
                return new Verdict.Gone();
        }
    }

    private PortSituation Look(string key, PortObservation? observed)
    {
        var desired = this.desired.Find(key)?.Body as PortSpec;
        if (desired is not null) unwanted.TryRemove(key, out _);
        return new PortSituation(
            desired, observed, applied.GetValueOrDefault(key), this.desired.IsOrderedToLeave(key), inSync,
            unwanted.TryGetValue(key, out var since) ? since : null, with.Time.GetUtcNow(), with.Policy.Grace);
    }

    private async Task EnsureAsync(PortSpec spec, CancellationToken cancellation)
    {
        foreach (var id in PortPlans.SetsOf(spec))
        {
            if (desired.Find(PortConcern.KeyOfSet(id))?.Body is AddressSet set) await EnsureSetAsync(set, cancellation);
        }

        var plan = PortPlans.Of(spec, with.TapPrefix, with.Owner) with { Routed = IsHere(spec.Id) };
        await with.DataPlane.EnsurePortAsync(plan, cancellation);
        routed[spec.Id] = plan.Routed;
        if (plan.Routed == IsHere(spec.Id)) applied[spec.Id] = spec;
        else applied.TryRemove(spec.Id, out _);
        attempts.TryRemove(spec.Id, out _);
    }

    /// <summary>A port whose vm nobody has looked at yet waits for that where its guest may be elsewhere.</summary>
    private bool IsHere(string portId) =>
        guests.TryGetValue(portId, out var here) ? here : !with.MayBeElsewhere(portId);

    private Task RemoveAsync(string key, CancellationToken cancellation) =>
        key.StartsWith(TapKey, StringComparison.Ordinal)
        ? with.DataPlane.RemoveTapAsync(key[TapKey.Length..], cancellation)
        : with.DataPlane.RemovePortAsync(key, cancellation);

    private void Forget(string key)
    {
        applied.TryRemove(key, out _);
        desired.Left(key);
        unwanted.TryRemove(key, out _);
        attempts.TryRemove(key, out _);
        states.TryRemove(key, out _);
        guests.TryRemove(key, out _);
        routed.TryRemove(key, out _);
        board.Remove(key);
        PortChanged?.Invoke(key);
    }

    private async Task<Verdict> SettleAsync(PortSpec spec, PortObservation? observed, CancellationToken cancellation)
    {
        if (observed is { Problem.Length: > 0 }) throw new IOException(observed.Problem);
        if (!PortDecide.IsPlugged(observed)) throw new IOException("it was made and is not there");
        var externals = PortPlans.ExternalsOf(spec);
        var own = observed! with { Routed = [.. observed.Routed.Except(externals)] };
        var carried = PortDecide.StateOf(own, spec.Addresses.Count, 0) == State.Carrier;
        var peers = carried ? await CountPeersAsync(own.Routed, cancellation) : 0;
        var state = PortDecide.StateOf(own, spec.Addresses.Count, peers);
        // Who knows the server by its own address alone is not concerned by what else it is called.
        var announced = new List<string>();
        foreach (var external in peers > 0 ? externals.Intersect(observed.Routed) : [])
        {
            if (await CountPeersAsync([external], cancellation) > 0) announced.Add(external.ToString());
        }

        var status = Report(spec, state, peers, externals: announced);
        SetState(spec.Id, state);
        if (state != State.Carrier && (state != State.Announced || announced.Count == externals.Count)) return Verdict.Done;
        var waited = with.Time.GetUtcNow() - status.Since.ToDateTimeOffset();
        return Verdict.After(waited < AnnounceSoon ? AnnouncePoll : AnnounceSlowPoll);
    }

    /// <summary>Nothing is lost with BIRD but the knowledge of who hears us.</summary>
    private async Task<int> CountPeersAsync(IReadOnlyList<IPAddress> routed, CancellationToken cancellation)
    {
        try
        {
            return await with.Routes.CountPeersAsync(routed, cancellation);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private PortStatus Report(
        PortSpec spec, State state, int peers, string reason = "", string message = "", IReadOnlyList<string>? externals = null)
    {
        var last = board.Find(spec.Id) as PortStatus;
        var same = last is not null && last.State == state && last.Reason == reason;
        var status = new PortStatus
        {
            Id = spec.Id,
            Generation = spec.Generation,
            State = state,
            Reason = reason,
            Message = message,
            AnnouncedPeers = peers,
            AnnouncedExternals = { externals ?? [] },
            Since = same ? last!.Since : Timestamp.FromDateTimeOffset(with.Time.GetUtcNow()),
        };
        board.Set(spec.Id, status);
        return status;
    }

    private void Fail(string key, string reason, string message)
    {
        with.Log.PortFailed(key, reason, message);
        if (desired.Find(key)?.Body is not PortSpec spec) return;
        Report(spec, State.Failed, 0, reason, message);
        SetState(key, State.Failed);
    }

    private void SetState(string key, State state)
    {
        var before = states.TryGetValue(key, out var old) ? old : State.Unspecified;
        states[key] = state;
        if (before != state) PortChanged?.Invoke(key);
    }
}
