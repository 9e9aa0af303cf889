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

    private readonly DesiredSet desired;
    private readonly StatusBoard board;
    private readonly VmFacts facts;
    private readonly VmReconcilerParts with;
    private readonly VmActs acts;
    private readonly Lanes lanes;
    private readonly CancellationTokenSource stop = new();
    private readonly SharedObservation<VmObservation> observation;
    private readonly ConcurrentDictionary<string, Vm?> acting = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> switching = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> vmOfPort = new(StringComparer.Ordinal);
    private volatile bool inSync;
    private ITimer? resync;
    private Task watching = Task.CompletedTask;

    public VmReconciler(DesiredSet desired, StatusBoard board, VmFacts facts, VmReconcilerParts with)
    {
        (this.desired, this.board, this.facts, this.with) = (desired, board, facts, with);
        acts = new VmActs(facts, with, Report);
        observation = new SharedObservation<VmObservation>(with.Driver.ObserveAsync, o => o.Id.Value, stop.Token);
        lanes = new Lanes("vms", StepAsync, with.Time, with.Log);
        with.Ports.PortChanged += OnPortChanged;
    }

    /// <summary>Told the vms that something happened to, or that are looked at without a reason.</summary>
    public Action<string> Happened { get; init; } = _ => { };

    /// <summary>What is wrong with the copy of a vm's disk.</summary>
    public Func<string, CopyTrouble?> CopyTroubleOf { get; init; } = _ => null;

    /// <summary>Something about a vm changed that is told with it.</summary>
    public void Wake(string id) => lanes.Wake(id);

    /// <summary>Looks at everything that is wanted, remembered or here, and goes on doing so.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (var item in desired.Snapshot()) Index((Vm)item.Body);
        watching = WatchAsync();
        await WakeEverythingAsync(cancellation);
        var every = with.Policy.ResyncEvery;
        resync = with.Time.CreateTimer(_ => _ = WakeEverythingQuietlyAsync(), null, every, every);
    }

    /// <summary>The host's changes, durable.</summary>
    public void OnChanged(IReadOnlyList<DesiredChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.Item?.Body is Vm vm) Index(vm);
            if (change is { Item: null, Explicit: true } && facts.Of(change.Key).Gone) facts.Forget(change.Key);
            lanes.Wake(change.Key, interrupt: IsAnotherWish(change.Key, change.Item?.Body as Vm), change.Cause);
        }
    }

    public void OnInSync()
    {
        inSync = true;
        _ = WakeEverythingQuietlyAsync();
    }

    public MetadataDocument? Find(string portId) =>
        vmOfPort.TryGetValue(portId, out var id) && desired.Find(id)?.Body is Vm vm ? VmPlans.MetadataOf(vm) : null;

    /// <summary>Stops reconciling; vms run on.</summary>
    public async ValueTask DisposeAsync()
    {
        with.Ports.PortChanged -= OnPortChanged;
        if (resync is not null) await resync.DisposeAsync();
        await stop.CancelAsync();
        await lanes.DisposeAsync();
        await watching;
        stop.Dispose();
    }

    private void Index(Vm vm)
    {
        foreach (var port in vm.Ports) vmOfPort[port.Id] = vm.Id;
    }

    /// <summary>Whether a step under way waits for what is no longer wanted.</summary>
    private bool IsAnotherWish(string id, Vm? desired) => this.acting.TryGetValue(id, out var acting)
        && (acting is null || desired is null || acting.Power != desired.Power || acting.Hard != desired.Hard
            || acting.Restarts != desired.Restarts || !Equals(acting.Outgoing, desired.Outgoing));

    private void OnPortChanged(string portId)
    {
        if (vmOfPort.TryGetValue(portId, out var id)) lanes.Wake(id);
    }

    private async Task WatchAsync()
    {
        try
        {
            await foreach (var happened in with.Driver.Events.ReadAllAsync(stop.Token))
            {
                lanes.Wake(happened.Id.Value);
                Happened(happened.Id.Value);
            }
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }

    private async Task WakeEverythingAsync(CancellationToken cancellation)
    {
        var observed = await with.Driver.ObserveAsync(cancellation);
        var keys = desired.Keys.Concat(desired.Leaving).Concat(facts.Keys).Concat(observed.Select(o => o.Id.Value));
        foreach (var key in keys.Distinct())
        {
            lanes.Wake(key);
            Happened(key);
        }

        // Before that, the host may want what this node has not heard of.
        if (inSync) RemoveUnusedImages();
    }

    private async Task WakeEverythingQuietlyAsync()
    {
        try
        {
            await WakeEverythingAsync(stop.Token);
        }
        catch (Exception e)
        {
            if (!stop.IsCancellationRequested) with.Log.StepFailed(e, "vms", "everything");
        }
    }

    /// <summary>
    /// What vms use, or will: a vm is in the desired set before any step is taken for it, so that none begins to use what
    /// goes.
    /// </summary>
    /// <exception cref="IOException">It cannot be known now.</exception>
    public IReadOnlySet<ImageDigest> ImagesInUse()
    {
        var images = with.Driver.ImagesInUse().ToHashSet();
        foreach (var item in desired.Snapshot())
            foreach (var image in new[] { ((Vm)item.Body).Image, ((Vm)item.Body).Rescue })
                if (ImageDigest.TryParse("sha256:" + image?.Sha256, null, out var digest)) images.Add(digest);
        return images;
    }

    private void RemoveUnusedImages()
    {
        try
        {
            with.Images.RemoveUnused(ImagesInUse);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            with.Log.ImagesNotRemoved(e.Message);
        }
    }

    private async Task<Verdict> StepAsync(string id, CancellationToken cancellation)
    {
        var desired = this.desired.Find(id)?.Body as Vm;
        acting[id] = desired;
        try
        {
            var now = await LookAsync(id, desired);
            var decision = VmDecide.Decide(now);
            Report(id, now, decision);
            var verdict = await acts.DoAsync(id, now, decision, cancellation);
            if (verdict is Verdict.Gone)
            {
                this.desired.Left(id);
                board.Remove(id);
            }

            return verdict;
        }
        catch (IOException e)
        {
            with.Log.StepFailed(e, "vms", id);
            return Verdict.After(AfterObservationFault);
        }
        finally
        {
            acting.TryRemove(id, out _);
        }
    }

    /// <summary>
    /// A QEMU that waits for its guest holds its taps, and so does one whose guest has left: neither is where the
    /// addresses are. Told before anything is done for the vm, so that its taps have no routes when they get a carrier.
    /// </summary>
    private void TellPorts(Vm? desired, VmObservation? observed, VmFact fact)
    {
        if (desired is not { } vm || VmDecide.IsGuestHere(vm, observed, fact) is not { } here) return;
        foreach (var port in vm.Ports) with.Ports.GuestIs(port.Id, here);
    }

    private async Task<VmSituation> LookAsync(string id, Vm? desired)
    {
        var observed = (await observation.RefreshAsync()).GetValueOrDefault(id);
        TellPorts(desired, observed, facts.Of(id));
        string[] missing = desired is null
            ? []
            : [.. desired.Ports.Select(p => p.Id).Where(p => !with.Ports.IsPlugged(p))];
        return new VmSituation(
            desired, observed, facts.Of(id), missing, RoutedPorts(id, desired, observed), inSync, with.BootId,
            with.Time.GetUtcNow(), with.Policy)
        {
            PortTrouble = missing.Select(with.Ports.TroubleOf).FirstOrDefault(t => t is not null),
            CopyTrouble = CopyTroubleOf(id),
        };
    }

    private string[] RoutedPorts(string id, Vm? desired, VmObservation? observed)
    {
        if (observed?.Migration is not { Phase: MigrationPhase.Switching, LetGo: false } || desired is null)
        {
            switching.TryRemove(id, out _);
            return [];
        }

        var since = switching.GetOrAdd(id, _ => with.Time.GetUtcNow());
        return with.Time.GetUtcNow() - since > with.Policy.WithdrawDeadline
            ? []
            : [.. desired.Ports.Select(p => p.Id).Where(p => !with.Ports.IsWithdrawn(p))];
    }

    private void Report(string id, VmSituation now, VmDecision decision)
    {
        // A note changes what the next decision is: that one is told.
        if (decision is VmDecision.Note) return;
        if (VmReport.Of(id, now, decision, board.Find(id) as VmStatus) is { } status) board.Set(id, status);
    }
}
