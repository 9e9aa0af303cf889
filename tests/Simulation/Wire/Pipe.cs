using Monolith.Simulation.Tests.Faults;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Wire;

/// <summary>
/// One direction of a call: messages arrive late, in order, once, and not while the link is cut. Either end may die of
/// one: the sender before it leaves, or when it is there; the reader before it has it, or when it has dealt with it,
/// which is when it asks for the next, or has its answer.
/// </summary>
/// <param name="copy">The two ends share no message.</param>
/// <param name="cross">Asked for each message, at either end.</param>
internal sealed class Pipe<T>(Link link, Func<T, T> copy, Func<Process?> sender, Func<Process?> reader,
    Func<Process, Crossing> cross) where T : class
{
    readonly Queue<(DateTime Due, T? Message, Action? Then)> underway = new();
    readonly Queue<(T Message, Process? Kills)> arrived = new();
    Process? dying;
    TaskCompletionSource? waiting;
    DateTime last;
    bool ended;
    Exception? fault;

    public T Current { get; private set; } = null!;

    public void Send(T message)
    {
        if (sender() is not { IsAlive: true } from) return;
        var crossing = cross(from);
        if (crossing == Crossing.DiesBefore) from.Kill();
        else Put(copy(message), crossing == Crossing.DiesAfter ? from.Kill : null);
    }

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
        Done();
        while (true)
        {
            // The dead read nothing more.
            if (reader() is { IsAlive: false }) await new TaskCompletionSource().Task;
            cancel.ThrowIfCancellationRequested();
            if (arrived.TryDequeue(out var next))
            {
                (Current, dying) = next;
                return true;
            }
            if (ended) return fault is null ? false : throw fault;
            var mine = waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = cancel.Register(() => mine.TrySetCanceled(cancel));
            await mine.Task;
        }
    }

    /// <summary>What was read last is dealt with.</summary>
    public void Done()
    {
        dying?.Kill();
        dying = null;
    }

    /// <summary>Takes in what is due.</summary>
    public void Pump()
    {
        while (!link.IsCut && underway.TryPeek(out var first) && first.Due <= link.Now)
        {
            underway.Dequeue();
            first.Then?.Invoke();
            if (first.Message is not null && !ended) Take(first.Message);
        }
    }

    void Take(T message)
    {
        if (reader() is not { IsAlive: true } to) return;
        var crossing = cross(to);
        if (crossing == Crossing.DiesBefore)
        {
            to.Kill();
            return;
        }
        arrived.Enqueue((message, crossing == Crossing.DiesAfter ? to : null));
        waiting?.TrySetResult();
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
