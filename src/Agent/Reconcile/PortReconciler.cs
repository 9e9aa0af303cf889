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
    ILogger Log);

/// <summary>
/// Makes ports and address sets what they shall be. One lane for each; keys are ids of ports, <c>set:</c> + id, and
/// <c>tap:</c> + name for a tap that carries no id. See <see cref="PortDecide"/>.
/// </summary>
internal sealed class PortReconciler : IPorts, IAsyncDisposable
{
    private const string TapKey = "tap:";
    private static readonly TimeSpan AnnouncePoll = TimeSpan.FromMilliseconds(250), AnnounceSlowPoll = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnnounceSoon = TimeSpan.FromSeconds(10);

    private readonly DesiredSet _desired;
    private readonly StatusBoard _board;
    private readonly PortReconcilerParts _with;
    private readonly Lanes _lanes;
    private readonly CancellationTokenSource _stop = new();
    private readonly SharedObservation<PortObservation> _observation;
    private readonly ConcurrentDictionary<string, PortSpec> _applied = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AddressSet> _appliedSets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, State> _states = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _unwanted = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private volatile bool _inSync;
    private ITimer? _resync;
    private Task _watching = Task.CompletedTask;

    public PortReconciler(DesiredSet desired, StatusBoard board, PortReconcilerParts with)
    {
        (_desired, _board, _with) = (desired, board, with);
        _observation = new SharedObservation<PortObservation>(with.DataPlane.ObserveAsync, KeyOf, _stop.Token);
        _lanes = new Lanes("ports", StepAsync, with.Time, with.Log);
    }

    public event Action<string>? PortChanged;

    public bool IsPlugged(string portId) => _states.TryGetValue(portId, out var state) && state is not State.Failed;

    public PortSpec? Find(string portId) => _desired.Find(portId)?.Body as PortSpec;

    public async Task StartAsync(CancellationToken cancellation)
    {
        await _with.DataPlane.PrepareAsync(cancellation);
        _watching = Task.WhenAll(WatchDataPlaneAsync(), WatchRoutesAsync());
        await WakeEverythingAsync(cancellation);
        var every = _with.Policy.ResyncEvery;
        _resync = _with.Time.CreateTimer(_ => _ = WakeEverythingQuietlyAsync(), null, every, every);
    }

    public void OnChanged(IReadOnlyList<DesiredChange> changes)
    {
        foreach (var change in changes)
        {
            _attempts.TryRemove(change.Key, out _);
            _lanes.Wake(change.Key, cause: change.Cause);
        }
    }

    public void OnInSync()
    {
        _inSync = true;
        _ = WakeEverythingQuietlyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_resync is not null) await _resync.DisposeAsync();
        await _stop.CancelAsync();
        await _lanes.DisposeAsync();
        await _watching;
        _stop.Dispose();
    }

    private static string KeyOf(PortObservation observed) =>
        observed.PortId.Length > 0 ? observed.PortId : TapKey + observed.TapName;

    private async Task WatchDataPlaneAsync()
    {
        try
        {
            await foreach (var change in _with.DataPlane.WatchAsync(_stop.Token))
            {
                if (change.Change != DataPlaneChange.Answered) _lanes.Wake(change.PortId);
            }
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }

    private async Task WatchRoutesAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _with.Routes.WaitForChangeAsync(_stop.Token);
                foreach (var (id, state) in _states)
                {
                    if (state is State.Carrier or State.Announced) _lanes.Wake(id);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (IOException)
            {
                // BIRD is away: ports ask for themselves meanwhile.
                await Task.Delay(AnnounceSlowPoll, _with.Time, _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    private async Task WakeEverythingAsync(CancellationToken cancellation)
    {
        var observed = await _with.DataPlane.ObserveAsync(cancellation);
        // Sets first: what a rule names is there when the rule comes.
        foreach (var key in _desired.Keys.Concat(_desired.Leaving).Concat(observed.Select(KeyOf)).Distinct()
            .OrderBy(k => !PortConcern.IsSet(k)))
            _lanes.Wake(key);
    }

    private async Task WakeEverythingQuietlyAsync()
    {
        try
        {
            await WakeEverythingAsync(_stop.Token);
        }
        catch (Exception e)
        {
            if (!_stop.IsCancellationRequested) _with.Log.StepFailed(e, "ports", "everything");
        }
    }

    private async Task<Verdict> StepAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return PortConcern.IsSet(key) ? await SetStepAsync(key, cancellation) : await PortStepAsync(key, cancellation);
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
        _with.Policy.Retry.After(_attempts.AddOrUpdate(key, 0, (_, n) => n + 1), Random.Shared.NextDouble());

    private async Task<Verdict> SetStepAsync(string key, CancellationToken cancellation)
    {
        var id = key[PortConcern.SetPrefix.Length..];
        if (_desired.Find(key)?.Body is AddressSet set)
        {
            await EnsureSetAsync(set, cancellation);
            return Verdict.Done;
        }

        await _with.DataPlane.RemoveSetsAsync([id], cancellation);
        _appliedSets.TryRemove(id, out _);
        _desired.Left(key);
        return new Verdict.Gone();
    }

    private async Task EnsureSetAsync(AddressSet set, CancellationToken cancellation)
    {
        if (_appliedSets.TryGetValue(set.Id, out var applied) && ReferenceEquals(applied, set)) return;
        await _with.DataPlane.EnsureSetsAsync([PortPlans.Of(set)], cancellation);
        _appliedSets[set.Id] = set;
    }

    private async Task<Verdict> PortStepAsync(string key, CancellationToken cancellation)
    {
        var observed = (await _observation.RefreshAsync()).GetValueOrDefault(key);
        var now = Look(key, observed);
        switch (PortDecide.Decide(now))
        {
            case PortDecision.Ensure:
                await AgentTelemetry.StepAsync(
                    "EnsurePort", key, _with.Time, () => EnsureAsync(now.Desired!, cancellation));
                observed = (await _observation.RefreshAsync()).GetValueOrDefault(key);
                return await SettleAsync(now.Desired!, observed, cancellation);
            case PortDecision.Settle:
                return await SettleAsync(now.Desired!, observed, cancellation);
            case PortDecision.Spare spare:
                if (now.InSync && _unwanted.TryAdd(key, now.Now)) _with.Log.Unwanted("ports", key, now.Grace);
                SetState(key, State.Failed);
                return now.InSync ? Verdict.After(spare.For) : Verdict.Done;
            case PortDecision.Remove:
                await AgentTelemetry.StepAsync("RemovePort", key, _with.Time, () => RemoveAsync(key, cancellation));
                Forget(key);
                return new Verdict.Gone();
            default:
                Forget(key);
                return new Verdict.Gone();
        }
    }

    private PortSituation Look(string key, PortObservation? observed)
    {
        var desired = _desired.Find(key)?.Body as PortSpec;
        if (desired is not null) _unwanted.TryRemove(key, out _);
        return new PortSituation(
            desired, observed, _applied.GetValueOrDefault(key), _desired.IsOrderedToLeave(key), _inSync,
            _unwanted.TryGetValue(key, out var since) ? since : null, _with.Time.GetUtcNow(), _with.Policy.Grace);
    }

    private async Task EnsureAsync(PortSpec spec, CancellationToken cancellation)
    {
        foreach (var id in PortPlans.SetsOf(spec))
        {
            if (_desired.Find(PortConcern.KeyOfSet(id))?.Body is AddressSet set) await EnsureSetAsync(set, cancellation);
        }

        await _with.DataPlane.EnsurePortAsync(PortPlans.Of(spec, _with.TapPrefix, _with.Owner), cancellation);
        _applied[spec.Id] = spec;
        _attempts.TryRemove(spec.Id, out _);
    }

    private Task RemoveAsync(string key, CancellationToken cancellation) => key.StartsWith(TapKey, StringComparison.Ordinal)
        ? _with.DataPlane.RemoveTapAsync(key[TapKey.Length..], cancellation)
        : _with.DataPlane.RemovePortAsync(key, cancellation);

    private void Forget(string key)
    {
        _applied.TryRemove(key, out _);
        _desired.Left(key);
        _unwanted.TryRemove(key, out _);
        _attempts.TryRemove(key, out _);
        _states.TryRemove(key, out _);
        _board.Remove(key);
        PortChanged?.Invoke(key);
    }

    private async Task<Verdict> SettleAsync(PortSpec spec, PortObservation? observed, CancellationToken cancellation)
    {
        if (observed is { Problem.Length: > 0 }) throw new IOException(observed.Problem);
        if (!PortDecide.IsPlugged(observed)) throw new IOException("it was made and is not there");
        var carried = PortDecide.StateOf(observed, spec.Addresses.Count, 0) == State.Carrier;
        var peers = carried ? await CountPeersAsync(observed!.Routed, cancellation) : 0;
        var state = PortDecide.StateOf(observed, spec.Addresses.Count, peers);
        var status = Report(spec, state, peers);
        SetState(spec.Id, state);
        if (state != State.Carrier) return Verdict.Done;
        var waited = _with.Time.GetUtcNow() - status.Since.ToDateTimeOffset();
        return Verdict.After(waited < AnnounceSoon ? AnnouncePoll : AnnounceSlowPoll);
    }

    /// <summary>Nothing is lost with BIRD but the knowledge of who hears us.</summary>
    private async Task<int> CountPeersAsync(IReadOnlyList<IPAddress> routed, CancellationToken cancellation)
    {
        try
        {
            return await _with.Routes.CountPeersAsync(routed, cancellation);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private PortStatus Report(PortSpec spec, State state, int peers, string reason = "", string message = "")
    {
        var last = _board.Find(spec.Id) as PortStatus;
        var same = last is not null && last.State == state && last.Reason == reason;
        var status = new PortStatus
        {
            Id = spec.Id,
            Generation = spec.Generation,
            State = state,
            Reason = reason,
            Message = message,
            AnnouncedPeers = peers,
            Since = same ? last!.Since : Timestamp.FromDateTimeOffset(_with.Time.GetUtcNow()),
        };
        _board.Set(spec.Id, status);
        return status;
    }

    private void Fail(string key, string reason, string message)
    {
        _with.Log.PortFailed(key, reason, message);
        if (_desired.Find(key)?.Body is not PortSpec spec) return;
        Report(spec, State.Failed, 0, reason, message);
        SetState(key, State.Failed);
    }

    private void SetState(string key, State state)
    {
        var before = _states.TryGetValue(key, out var old) ? old : State.Unspecified;
        _states[key] = state;
        if (before != state) PortChanged?.Invoke(key);
    }
}
