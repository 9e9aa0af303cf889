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
    readonly ConsoleOptions options;
    readonly Action<ConsoleSession> leave;
    readonly CancellationTokenSource idle;
    int taken;

    sealed record Carrier(IAsyncStreamReader<CarrySessionRequest> Said, IServerStreamWriter<CarrySessionResponse> Typed);

    public ConsoleSession(string id, VmRow vm, ConsoleOptions options, TimeProvider time, Action<ConsoleSession> leave)
    {
        (Id, Vm, Node, Server) = (id, vm.Uid, vm.Hypervisor, vm.ServerName);
        (this.options, this.leave) = (options, leave);
        idle = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
    }

    public string Id { get; }
    public Guid Vm { get; }
    public string Node { get; }
    public string Server { get; }

    /// <summary>Completes when the agent has dialled back.</summary>
    public Task Carried => carrier.Task;

    /// <summary>The agent's call, until the session is over. One call carries a session, once.</summary>
    /// <returns>False: it is carried already.</returns>
    public bool TryTake() => Interlocked.Exchange(ref taken, 1) == 0;

    public async Task CarryAsync(IAsyncStreamReader<CarrySessionRequest> said,
        IServerStreamWriter<CarrySessionResponse> typed, CancellationToken gone)
    {
        idle.CancelAfter(options.Idle);
        carrier.TrySetResult(new(said, typed));
        await over.Task.WaitAsync(gone);
    }

    /// <summary>What the agent says next.</summary>
    /// <returns>Null: all was said.</returns>
    /// <exception cref="Fault">It ended otherwise.</exception>
    public async Task<ByteString?> NextAsync(CancellationToken cancel)
    {
        var said = (await carrier.Task).Said;
        if (!await OfAgentAsync(() => said.MoveNext(CancellationToken.None), cancel))
            throw Lost("the agent's call ended without a last word");
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
        await OfAgentAsync(async () =>
        {
            await typed.WriteAsync(new CarrySessionResponse { Data = bytes });
            return true;
        }, cancel);
    }

    /// <summary>Waits for a step of either side, while the session is not idle. Who makes it begins the patience anew.</summary>
    public async Task<T> WaitAsync<T>(Task<T> step, CancellationToken cancel)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, idle.Token);
        try
        {
            var result = await step.WaitAsync(either.Token);
            idle.CancelAfter(options.Idle);
            return result;
        }
        catch (OperationCanceledException) when (idle.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw Fault.Unavailable(Idle,
                $"Nothing was said in this session for {options.Idle.TotalHours:0.#} hours, so it has ended. Connect again.",
                TimeSpan.Zero);
        }
        finally
        {
            // What is left of it ends with its call, and nobody waits for that.
            _ = step.ContinueWith(t => _ = t.Exception, TaskScheduler.Default);
        }
    }

    async Task<T> OfAgentAsync<T>(Func<Task<T>> step, CancellationToken cancel)
    {
        try
        {
            return await WaitAsync(step(), cancel);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested && e is not Fault { Reason: Idle })
        {
            throw Lost(e.Message);
        }
    }

    Fault Lost(string detail) => ConsoleFaults.Lost(Server, $"session of vm {Vm} on {Node}: {detail}");

    public ValueTask DisposeAsync()
    {
        leave(this);
        over.TrySetResult();
        // Not disposed of: an agent may dial back in this moment.
        idle.CancelAfter(Timeout.InfiniteTimeSpan);
        return ValueTask.CompletedTask;
    }
}
