using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Protos;

namespace Monolith.Agent.Sync;

/// <summary>How a stream behaves. Immutable.</summary>
public sealed record SyncOptions
{
    /// <summary>
    /// Upper bound of the first wait before reconnecting; it doubles up to <see cref="ReconnectCap"/>.
    /// </summary>
    public TimeSpan ReconnectFirst { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan ReconnectCap { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the host may take from the call with the hello to InSync.</summary>
    public TimeSpan SnapshotDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long one message may wait for the connection to take it.</summary>
    public TimeSpan SendDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Changes that become durable with one fsync.</summary>
    public int BatchSize { get; init; } = 256;
}

/// <summary>What is going on with a stream, for people. Immutable.</summary>
/// <param name="Concern">Name of the concern.</param>
/// <param name="Connected">A stream is open and the host has answered on it.</param>
/// <param name="InSync">The snapshot of this connection is complete.</param>
/// <param name="EverInSync">A snapshot was complete since the agent's start.</param>
/// <param name="LastFault">Why the last stream ended; empty before the first end.</param>
public sealed record SyncState(string Concern, bool Connected, bool InSync, bool EverInSync, string LastFault);

/// <summary>
/// Keeps one concern in step with the host: calls with its hello, takes the snapshot, then deltas, and reports. The
/// same class drives every concern. See sync.proto for the protocol and <see cref="SyncSession"/> for its decisions.
/// <code>
///   call with hello ──▶ read ⇄ ledger ⇄ reconcilers
///      ▲                 └ InSync ──▶ write statuses (one writer)
///      └── jittered wait ◀── any fault of either side
/// </code>
/// </summary>
internal sealed class SyncClient
{
    private readonly IConcern concern;
    private readonly DesiredSet desired;
    private readonly StatusBoard board;
    private readonly Func<CallInvoker> connect;
    private readonly Func<Hello> hello;
    private readonly SyncOptions options;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger log;
    private volatile SyncState state;

    public SyncClient(
        IConcern concern,
        DesiredSet desired,
        StatusBoard board,
        Func<CallInvoker> connect,
        Func<Hello> hello,
        SyncOptions options,
        TimeProvider time,
        Random random,
        ILogger log)
    {
        (this.concern, this.desired, this.board, this.connect, this.hello) = (concern, desired, board, connect, hello);
        (this.options, this.time, this.random, this.log) = (options, time, random, log);
        state = new SyncState(concern.Name, false, false, false, "");
    }

    public SyncState State => state;

    /// <summary>Desired items changed; they are durable. Called on the stream's reader: return soon.</summary>
    public event Action<IReadOnlyList<DesiredChange>>? Changed;

    /// <summary>Something was asked for, or said beside the set. Called on the stream's reader: return soon.</summary>
    public event Action<IMessage>? Asked;

    /// <summary>A snapshot is complete: what is not in the desired set is not wanted.</summary>
    public event Action? BecameInSync;

    public async Task RunAsync(CancellationToken cancellation)
    {
        var attempt = 0;
        var backoff = new Backoff(options.ReconnectFirst, options.ReconnectCap);
        while (!cancellation.IsCancellationRequested)
        {
            var fault = await RunSessionAsync(cancellation);
            if (cancellation.IsCancellationRequested) return;
            attempt = state.InSync ? 0 : attempt + 1;
            state = state with { Connected = false, InSync = false, LastFault = fault };
            AgentTelemetry.Reconnects.Add(1, new KeyValuePair<string, object?>("concern", concern.Name));
            double jitter;
            lock (random) jitter = random.NextDouble();
            var wait = backoff.After(attempt, jitter);
            log.StreamEnded(concern.Name, fault, (long)wait.TotalMilliseconds);
            try
            {
                await Task.Delay(wait, time, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task<string> RunSessionAsync(CancellationToken cancellation)
    {
        using var session = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            var hello = this.hello();
            hello.DesiredDigest = desired.ComputeDigest();
            hello.StatusDigest = board.BeginSession();
            using var call = concern.Open(connect(), HelloHeader.Of(hello), session.Token);
            var ready = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            var writing = WriteAsync(call, ready.Task, session.Token);
            var reading = ReadAsync(call, ready, session.Token);
            var first = await Task.WhenAny(reading, writing);
            await session.CancelAsync();
            ready.TrySetCanceled(CancellationToken.None);
            await Task.WhenAll(
                reading.ContinueWith(Ignore, TaskScheduler.Default),
                writing.ContinueWith(Ignore, TaskScheduler.Default));
            await first;
            return "the host ended the stream";
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return "the agent stops";
        }
        catch (RpcException e)
        {
            return Explain(e);
        }
        catch (Exception e)
        {
            // A stream must come back whatever ended it: a full disk, a broken connection, a message that nobody
            // expects.
            return $"{e.GetType().Name}: {e.Message}";
        }
    }

    private static void Ignore(Task ended) => _ = ended.Exception;

    private static string Explain(RpcException fault) => fault.StatusCode switch
    {
        StatusCode.Unauthenticated =>
            $"the host does not accept this node's certificate ({fault.Status.Detail}); "
            + "if it does not recover, join anew",
        StatusCode.PermissionDenied =>
            $"the host refuses this node ({fault.Status.Detail}); see `monolith hypervisor list` and join anew",
        StatusCode.Unavailable =>
            $"the host cannot be reached: {fault.Status.DebugException?.Message ?? fault.Status.Detail}",
        _ => $"{fault.StatusCode}: {fault.Status.Detail}",
    };

    /// <summary>Reads until the stream ends. Messages that are there already become durable together.</summary>
    private async Task ReadAsync(ISyncCall call, TaskCompletionSource<bool> ready, CancellationToken cancellation)
    {
        var session = new SyncSession();
        using var deadline = new CancellationTokenSource(options.SnapshotDeadline, time);
        using var snapshot = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var next = call.MoveNextAsync(snapshot.Token);
        while (true)
        {
            if (!await NextAsync(next, session, cancellation)) return;
            var batch = new List<DesiredChange>();
            var becameInSync = false;
            while (true)
            {
                var message = call.Current;
                AgentTelemetry.Received(concern.Name, message);
                if (message.Beside is { } beside) Asked?.Invoke(beside);
                if (message is Downlink.Asked asked) Asked?.Invoke(asked.Body);
                var before = session.InSync;
                batch.AddRange(session.Receive(message, () => desired.Keys));
                becameInSync |= !before && session.InSync;
                next = call.MoveNextAsync(session.InSync ? cancellation : snapshot.Token);
                if (!next.IsCompletedSuccessfully || !next.Result || batch.Count >= options.BatchSize) break;
            }

            Publish(batch);
            state = state with { Connected = true };
            if (becameInSync) Complete(session, ready);
        }
    }

    private async Task<bool> NextAsync(Task<bool> next, SyncSession session, CancellationToken cancellation)
    {
        try
        {
            return await next;
        }
        catch (Exception e) when (!session.InSync && !cancellation.IsCancellationRequested
            && e is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
        {
            throw new TimeoutException(
                $"the host sent no complete snapshot within {options.SnapshotDeadline.TotalSeconds:0} s", e);
        }
    }

    private void Publish(List<DesiredChange> batch)
    {
        if (batch.Count == 0) return;
        desired.Apply(batch);
        Changed?.Invoke(batch);
    }

    private void Complete(SyncSession session, TaskCompletionSource<bool> ready)
    {
        state = state with { InSync = true, EverInSync = true };
        log.InSync(concern.Name, desired.Count, session.SendStatuses);
        BecameInSync?.Invoke();
        ready.TrySetResult(session.SendStatuses);
    }

    private async Task WriteAsync(ISyncCall call, Task<bool> ready, CancellationToken cancellation)
    {
        if (await ready)
        {
            foreach (var status in board.TakeAll())
                await SendAsync(call, new Uplink.Status(status), cancellation);
            await SendAsync(call, new Uplink.Sent(), cancellation);
        }

        while (true)
        {
            foreach (var status in await board.TakeChangedAsync(cancellation))
                await SendAsync(call, new Uplink.Status(status), cancellation);
        }
    }

    private async Task SendAsync(ISyncCall call, Uplink message, CancellationToken cancellation)
    {
        AgentTelemetry.Sent(concern.Name, message);
        var sending = call.SendAsync(message, cancellation);
        if (sending.IsCompletedSuccessfully) return;
        await sending.WaitAsync(options.SendDeadline, time, cancellation);
    }
}
