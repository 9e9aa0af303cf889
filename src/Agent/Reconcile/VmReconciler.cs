using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Images;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Reconcile;

/// <summary>
/// Makes vms what they shall be: decides (<see cref="VmDecide"/>), does that one thing (<see cref="VmActs"/>), reports
/// (<see cref="VmReport"/>), and again. One lane for each vm.
/// <code>
///   host's changes ─┐
///   driver's events ─┼─▶ lane of the vm ─▶ desired + observed + fact ─▶ decision ─▶ act ─┐
///   ports' changes ──┤        ▲                                                          │
///   timer ───────────┘        └──────────────────────────────────────────────────────────┘
/// </code>
/// </summary>
internal sealed class VmReconciler : IMetadataSource, IAsyncDisposable
{
    private static readonly TimeSpan AfterObservationFault = TimeSpan.FromSeconds(2);

    private readonly DesiredSet _desired;
    private readonly StatusBoard _board;
    private readonly VmFacts _facts;
    private readonly VmReconcilerParts _with;
    private readonly VmActs _acts;
    private readonly Lanes _lanes;
    private readonly CancellationTokenSource _stop = new();
    private readonly SharedObservation<VmObservation> _observation;
    private readonly ConcurrentDictionary<string, Vm?> _acting = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _vmOfPort = new(StringComparer.Ordinal);
    private volatile bool _inSync;
    private ITimer? _resync;
    private Task _watching = Task.CompletedTask;

    public VmReconciler(DesiredSet desired, StatusBoard board, VmFacts facts, VmReconcilerParts with)
    {
        (_desired, _board, _facts, _with) = (desired, board, facts, with);
        _acts = new VmActs(facts, with, Report);
        _observation = new SharedObservation<VmObservation>(with.Driver.ObserveAsync, o => o.Id.Value, _stop.Token);
        _lanes = new Lanes("vms", StepAsync, with.Time, with.Log);
        with.Ports.PortChanged += OnPortChanged;
    }

    /// <summary>Looks at everything that is wanted, remembered or here, and goes on doing so.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (var item in _desired.Snapshot()) Index((Vm)item.Body);
        _watching = WatchAsync();
        await WakeEverythingAsync(cancellation);
        var every = _with.Policy.ResyncEvery;
        _resync = _with.Time.CreateTimer(_ => _ = WakeEverythingQuietlyAsync(), null, every, every);
    }

    /// <summary>The host's changes, durable.</summary>
    public void OnChanged(IReadOnlyList<DesiredChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.Item?.Body is Vm vm) Index(vm);
            if (change is { Item: null, Explicit: true } && _facts.Of(change.Key).Gone) _facts.Forget(change.Key);
            _lanes.Wake(change.Key, interrupt: IsAnotherWish(change.Key, change.Item?.Body as Vm), change.Cause);
        }
    }

    public void OnInSync()
    {
        _inSync = true;
        _ = WakeEverythingQuietlyAsync();
    }

    public MetadataDocument? Find(string portId) =>
        _vmOfPort.TryGetValue(portId, out var id) && _desired.Find(id)?.Body is Vm vm ? VmPlans.MetadataOf(vm) : null;

    /// <summary>Stops reconciling; vms run on.</summary>
    public async ValueTask DisposeAsync()
    {
        _with.Ports.PortChanged -= OnPortChanged;
        if (_resync is not null) await _resync.DisposeAsync();
        await _stop.CancelAsync();
        await _lanes.DisposeAsync();
        await _watching;
        _stop.Dispose();
    }

    private void Index(Vm vm)
    {
        foreach (var port in vm.Ports) _vmOfPort[port.Id] = vm.Id;
    }

    /// <summary>Whether a step under way waits for what is no longer wanted.</summary>
    private bool IsAnotherWish(string id, Vm? desired) => _acting.TryGetValue(id, out var acting)
        && (acting is null || desired is null || acting.Power != desired.Power || acting.Hard != desired.Hard
            || acting.Restarts != desired.Restarts);

    private void OnPortChanged(string portId)
    {
        if (_vmOfPort.TryGetValue(portId, out var id)) _lanes.Wake(id);
    }

    private async Task WatchAsync()
    {
        try
        {
            await foreach (var happened in _with.Driver.Events.ReadAllAsync(_stop.Token)) _lanes.Wake(happened.Id.Value);
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }

    private async Task WakeEverythingAsync(CancellationToken cancellation)
    {
        var observed = await _with.Driver.ObserveAsync(cancellation);
        var keys = _desired.Keys.Concat(_desired.Leaving).Concat(_facts.Keys).Concat(observed.Select(o => o.Id.Value));
        foreach (var key in keys.Distinct()) _lanes.Wake(key);
        // Before that, the host may want what this node has not heard of.
        if (_inSync) RemoveUnusedImages();
    }

    private async Task WakeEverythingQuietlyAsync()
    {
        try
        {
            await WakeEverythingAsync(_stop.Token);
        }
        catch (Exception e)
        {
            if (!_stop.IsCancellationRequested) _with.Log.StepFailed(e, "vms", "everything");
        }
    }

    /// <summary>A vm is in the desired set before any step is taken for it, so that none begins to use what goes.</summary>
    private void RemoveUnusedImages()
    {
        try
        {
            _with.Images.RemoveUnused(() =>
            {
                var images = _with.Driver.ImagesInUse().ToHashSet();
                foreach (var item in _desired.Snapshot())
                    if (ImageDigest.TryParse("sha256:" + ((Vm)item.Body).Image?.Sha256, null, out var digest))
                        images.Add(digest);
                return images;
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _with.Log.ImagesNotRemoved(e.Message);
        }
    }

    private async Task<Verdict> StepAsync(string id, CancellationToken cancellation)
    {
        var desired = _desired.Find(id)?.Body as Vm;
        _acting[id] = desired;
        try
        {
            var now = await LookAsync(id, desired);
            var decision = VmDecide.Decide(now);
            Report(id, now, decision);
            var verdict = await _acts.DoAsync(id, now, decision, cancellation);
            if (verdict is Verdict.Gone)
            {
                _desired.Left(id);
                _board.Remove(id);
            }

            return verdict;
        }
        catch (IOException e)
        {
            _with.Log.StepFailed(e, "vms", id);
            return Verdict.After(AfterObservationFault);
        }
        finally
        {
            _acting.TryRemove(id, out _);
        }
    }

    private async Task<VmSituation> LookAsync(string id, Vm? desired)
    {
        var observed = (await _observation.RefreshAsync()).GetValueOrDefault(id);
        string[] missing = desired is null ? [] : [.. desired.Ports.Select(p => p.Id).Where(p => !_with.Ports.IsPlugged(p))];
        return new VmSituation(
            desired, observed, _facts.Of(id), missing, _inSync, _with.BootId, _with.Time.GetUtcNow(), _with.Policy);
    }

    private void Report(string id, VmSituation now, VmDecision decision)
    {
        // A note changes what the next decision is: that one is told.
        if (decision is VmDecision.Note) return;
        if (VmReport.Of(id, now, decision, _board.Find(id) as VmStatus) is { } status) _board.Set(id, status);
    }
}
