using Grpc.Core;

namespace Monolith.Simulation.Tests.Wire;

/// <summary>One direction of a call: messages arrive late, in order, once, and not while the link is cut.</summary>
/// <param name="copy">The two ends share no message.</param>
internal sealed class Pipe<T>(Link link, Func<T, T> copy) where T : class
{
    readonly Queue<(DateTime Due, T? Message, Action? Then)> underway = new();
    readonly Queue<T> arrived = new();
    TaskCompletionSource? waiting;
    DateTime last;
    bool ended;
    Exception? fault;

    public T Current { get; private set; } = null!;

    public void Send(T message) => Put(copy(message), null);

    /// <summary>Does something when all that was sent before has arrived.</summary>
    public void After(Action then) => Put(null, then);

    /// <summary>Nothing comes any more: the reader has what has arrived, and then this.</summary>
    /// <param name="fault">Null: the stream ends as it should.</param>
    public void End(Exception? fault)
    {
        if (ended) return;
        (ended, this.fault) = (true, fault);
        underway.Clear();
        waiting?.TrySetResult();
    }

    public async Task<bool> MoveNextAsync(CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            if (arrived.TryDequeue(out var message))
            {
                Current = message;
                return true;
            }
            if (ended) return fault is null ? false : throw fault;
            var mine = waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = cancel.Register(() => mine.TrySetCanceled(cancel));
            await mine.Task;
        }
    }

    /// <summary>Takes in what is due.</summary>
    public void Pump()
    {
        while (!link.IsCut && underway.TryPeek(out var first) && first.Due <= link.Now)
        {
            underway.Dequeue();
            first.Then?.Invoke();
            if (first.Message is null || ended) continue;
            arrived.Enqueue(first.Message);
            waiting?.TrySetResult();
        }
    }

    void Put(T? message, Action? then)
    {
        if (ended) return;
        var due = link.Now + link.Latency();
        last = due = due > last ? due : last;
        underway.Enqueue((due, message, then));
        link.At(due, Pump);
    }
}
