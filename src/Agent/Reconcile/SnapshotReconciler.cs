using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Reconcile;

/// <summary>
/// Has disks copied and sends the copies to the host, in lanes of their own: a vm is started and stopped meanwhile. Each
/// step may be repeated, and be cut short anywhere and repeated.
/// </summary>
internal sealed class SnapshotReconciler : IAsyncDisposable
{
    private const int ChunkBytes = 256 * 1024;

    /// <summary>How long the host may take for a chunk, and to look at the whole.</summary>
    private static readonly TimeSpan ChunkDeadline = TimeSpan.FromSeconds(60), AnswerDeadline = TimeSpan.FromMinutes(10);

    private readonly DesiredSet desired;
    private readonly IVmDriver driver;
    private readonly Func<CallInvoker> connect;
    private readonly Backoff retry;
    private readonly TimeProvider time;
    private readonly Random dice;
    private readonly ILogger log;
    private readonly Lanes lanes;
    // Vms of which a copy is wanted, or was here: nobody else costs anything.
    private readonly ConcurrentDictionary<string, State> states = new(StringComparer.Ordinal);

    private sealed class State
    {
        /// <summary>What the step under way is for.</summary>
        public volatile string Acting = "";

        public string? Sent { get; set; }

        public volatile CopyTrouble? Trouble;

        public int Failures { get; set; }
    }

    public SnapshotReconciler(
        DesiredSet desired, IVmDriver driver, Func<CallInvoker> connect, VmPolicy policy, TimeProvider time, Random dice,
        ILogger log)
    {
        (this.desired, this.driver, this.connect, retry) = (desired, driver, connect, policy.Retry);
        (this.time, this.dice, this.log) = (time, dice, log);
        lanes = new Lanes("snapshots", StepAsync, time, log);
    }

    /// <summary>Told the vm whose copy has come into trouble, or out of it.</summary>
    public Action<string> Troubled { get; set; } = _ => { };

    /// <summary>Null: nothing is wrong with the copy of its disk.</summary>
    public CopyTrouble? TroubleOf(string vm) => states.TryGetValue(vm, out var state) ? state.Trouble : null;

    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (var vm in await driver.ObserveAsync(cancellation))
            if (vm.Snapshot is not null) states.TryAdd(vm.Id.Value, new State());
        foreach (var item in desired.Snapshot()) Take(item.Key, (Vm)item.Body);
        lanes.WakeAll();
        foreach (var key in states.Keys) lanes.Wake(key);
    }

    /// <summary>The host's changes, durable.</summary>
    public void OnChanged(IReadOnlyList<DesiredChange> changes)
    {
        foreach (var change in changes) Take(change.Key, change.Item?.Body as Vm);
    }

    /// <summary>Something happened to a vm.</summary>
    public void Wake(string id)
    {
        if (states.ContainsKey(id)) lanes.Wake(id);
    }

    public ValueTask DisposeAsync() => lanes.DisposeAsync();

    private void Take(string id, Vm? vm)
    {
        var wanted = vm?.Snapshot?.Id ?? "";
        if (wanted.Length > 0) states.TryAdd(id, new State());
        if (states.TryGetValue(id, out var state)) lanes.Wake(id, interrupt: state.Acting != wanted);
    }

    private async Task<Verdict> StepAsync(string id, CancellationToken cancellation)
    {
        var vm = desired.Find(id)?.Body as Vm;
        var state = states.GetOrAdd(id, _ => new State());
        state.Acting = vm?.Snapshot?.Id ?? "";
        var observed = (await driver.ObserveAsync(cancellation)).FirstOrDefault(o => o.Id.Value == id);
        try
        {
            switch (SnapshotDecide.Decide(vm, observed, state.Sent, state.Trouble))
            {
                case SnapshotDecision.Copy copy:
                    await driver.SnapshotAsync(new VmId(id), copy.Id, cancellation);
                    break;
                case SnapshotDecision.Upload upload:
                    await UploadAsync(id, upload.Id, cancellation);
                    state.Sent = upload.Id;
                    log.SnapshotSent(id, upload.Id);
                    break;
                case SnapshotDecision.Drop:
                    await driver.DropSnapshotAsync(new VmId(id), cancellation);
                    break;
                default:
                    if (state.Acting.Length > 0) return Verdict.Done;
                    states.TryRemove(id, out _);
                    return new Verdict.Gone();
            }
        }
        catch (Exception e) when (e is VmException or RpcException or IOException or TimeoutException
            && !cancellation.IsCancellationRequested)
        {
            log.SnapshotFailed(id, e.Message);
            // That nobody wants it any more is nothing to be told.
            if (state.Acting.Length > 0) Trouble(id, state, CopyTrouble.Of(state.Acting, e));
            return Verdict.After(retry.After(state.Failures++, dice.NextDouble()));
        }

        state.Failures = 0;
        Trouble(id, state, null);
        return Verdict.Next;
    }

    private void Trouble(string id, State state, CopyTrouble? trouble)
    {
        if (state.Trouble == trouble) return;
        state.Trouble = trouble;
        Troubled(id);
    }

    private async Task UploadAsync(string id, string snapshot, CancellationToken cancellation)
    {
        await using var file = driver.OpenSnapshot(new VmId(id), snapshot)
            ?? throw new IOException($"the copy {snapshot} of VM {id} is not here any more");
        using var call = new SnapshotService.SnapshotServiceClient(connect())
            .UploadSnapshot(cancellationToken: cancellation);
        try
        {
            await WriteAsync(call, new UploadSnapshotRequest
            {
                Header = new() { Vm = id, Snapshot = snapshot, SizeBytes = file.Length },
            }, cancellation);
            var buffer = new byte[ChunkBytes];
            int read;
            while (!call.ResponseAsync.IsCompleted
                && (read = await file.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation)) > 0)
                await WriteAsync(
                    call, new UploadSnapshotRequest { Chunk = ByteString.CopyFrom(buffer, 0, read) }, cancellation);
            if (!call.ResponseAsync.IsCompleted) await call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or RpcException)
        {
            // The host has answered, or is away: its answer says which.
        }
        await call.ResponseAsync.WaitAsync(AnswerDeadline, time, cancellation);
    }

    private Task WriteAsync(
        AsyncClientStreamingCall<UploadSnapshotRequest, UploadSnapshotResponse> call, UploadSnapshotRequest message,
        CancellationToken cancellation) =>
        call.RequestStream.WriteAsync(message, cancellation).WaitAsync(ChunkDeadline, time, cancellation);
}
