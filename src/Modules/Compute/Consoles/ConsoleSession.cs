using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Compute.Vms;
using Monolith.Platform.Faults;

namespace Monolith.Compute.Consoles;

/// <summary>
/// Where a viewer's call and an agent's call meet. Nothing is kept in between: the next message is read when the one before
/// was taken, so that each side's flow control holds up the other's source.
/// <code>
///   asked ── the agent dials back ──▶ carried ── either call ends, SessionEnd, idle ──▶ over
///     └── not within the deadline ─────────────────────────────────────────────────────▶ over
/// </code>
/// </summary>
internal sealed class ConsoleSession : IAsyncDisposable
{
    /// <summary>As console.proto has it.</summary>
    public const int ChunkBytes = 32 * 1024;

    const string Idle = "SESSION_IDLE";

    readonly TaskCompletionSource<Carrier> carrier = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly CancellationTokenSource ended;
    readonly ConsoleOptions options;
    readonly TimeProvider time;
    readonly Action<ConsoleSession> leave;
    volatile bool gone;
    int taken;

    sealed record Carrier(IAsyncStreamReader<CarrySessionRequest> Said, IServerStreamWriter<CarrySessionResponse> Typed);

    public ConsoleSession(string id, VmRow vm, ConsoleOptions options, TimeProvider time, Action<ConsoleSession> leave)
    {
        (Id, Vm, Node, Server) = (id, vm.Uid, vm.Hypervisor, vm.ServerName);
        (this.options, this.time, this.leave) = (options, time, leave);
        ended = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
    }

    public string Id { get; }
    public Guid Vm { get; }
    public string Node { get; }
    public string Server { get; }

    /// <summary>Completes when the agent has dialled back.</summary>
    public Task Carried => carrier.Task;

    /// <summary>One call carries a session, once.</summary>
    /// <returns>False: it is carried already.</returns>
    public bool TryTake() => Interlocked.Exchange(ref taken, 1) == 0;

    /// <summary>The agent's call. Completes when nobody reads or writes its streams any more.</summary>
    public async Task CarryAsync(IAsyncStreamReader<CarrySessionRequest> said,
        IServerStreamWriter<CarrySessionResponse> typed, CancellationToken aborted)
    {
        await using var registration = aborted.Register(() =>
        {
            gone = true;
            ended.Cancel();
        });
        ended.CancelAfter(options.Idle);
        carrier.TrySetResult(new(said, typed));
        await over.Task;
        using var late = new CancellationTokenSource(options.Farewell, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(aborted, late.Token);
        try
        {
            await typed.WriteAsync(new CarrySessionResponse { Close = true }, either.Token);
            while (await said.MoveNext(either.Token))
            {
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException or Fault
            or RpcException)
        {
            // It ended by itself, or does not end: either way the call is over.
        }
    }

    /// <summary>What the agent says next.</summary>
    /// <returns>Null: all was said.</returns>
    /// <exception cref="Fault">It ended otherwise.</exception>
    public async Task<ByteString?> NextAsync(CancellationToken cancel)
    {
        var said = (await carrier.Task).Said;
        if (!await OfAgentAsync(said.MoveNext, cancel)) throw Lost("the agent's call ended without a last word");
        switch (said.Current.KindCase)
        {
            case CarrySessionRequest.KindOneofCase.Data when said.Current.Data.Length <= ChunkBytes:
                return said.Current.Data;
            case CarrySessionRequest.KindOneofCase.End when said.Current.End.Cause == SessionEnd.Types.Cause.Done:
                return null;
            case CarrySessionRequest.KindOneofCase.End:
                throw ConsoleFaults.Of(Server, said.Current.End);
            default:
                throw Lost($"{said.Current.KindCase} of {said.Current.CalculateSize()} bytes is out of turn or too large");
        }
    }

    /// <summary>Gives the agent what was typed; waits while the guest does not read.</summary>
    /// <exception cref="Fault">The agent is gone.</exception>
    public async Task TypeAsync(ByteString bytes, CancellationToken cancel)
    {
        var typed = (await carrier.Task).Typed;
        await OfAgentAsync(async either =>
        {
            await typed.WriteAsync(new CarrySessionResponse { Data = bytes }, either);
            return true;
        }, cancel);
    }

    /// <summary>
    /// A step of either side, cut short when the session ends. Who makes it begins the session's patience anew. It is
    /// always waited for: a stream that is still read when its call returns is given to the next call so.
    /// </summary>
    public async Task<T> StepAsync<T>(Func<CancellationToken, Task<T>> step, CancellationToken cancel)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, ended.Token);
        try
        {
            var result = await step(either.Token);
            ended.CancelAfter(options.Idle);
            return result;
        }
        catch (Exception) when (ended.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw gone
                ? Lost("the agent's call was cut")
                : Fault.Unavailable(Idle, "Nothing was said in this session for "
                    + $"{options.Idle.TotalHours:0.#} hours, so it has ended. Connect again.", TimeSpan.Zero);
        }
    }

    async Task<T> OfAgentAsync<T>(Func<CancellationToken, Task<T>> step, CancellationToken cancel)
    {
        try
        {
            return await StepAsync(step, cancel);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested && e is not Fault { Code: StatusCode.Unavailable })
        {
            throw Lost(e.Message);
        }
    }

    Fault Lost(string detail) => ConsoleFaults.Lost(Server, $"session of vm {Vm} on {Node}: {detail}");

    /// <summary>By the viewer's side, when it uses the session no more.</summary>
    public ValueTask DisposeAsync()
    {
        leave(this);
        // Not disposed of: an agent may dial back in this moment.
        ended.CancelAfter(Timeout.InfiniteTimeSpan);
        over.TrySetResult();
        return ValueTask.CompletedTask;
    }
}
