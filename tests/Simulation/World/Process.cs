namespace Monolith.Simulation.Tests.World;

/// <summary>
/// A simulated process: what it awaits comes back to it here, and its timers are its own. To kill it is to drop all
/// that it has posted, will ever post, and its timers, without a word to it: that is kill -9.
/// </summary>
internal sealed class Process : SynchronizationContext
{
    readonly Scheduler scheduler;

    public Process(Scheduler scheduler, string name)
    {
        (this.scheduler, Name) = (scheduler, name);
        Time = new VirtualTime(scheduler, this);
    }

    public string Name { get; }

    public bool IsAlive { get; private set; } = true;

    /// <summary>The world's clock, with this process's timers.</summary>
    public TimeProvider Time { get; }

    /// <summary>Ends by itself at a pause for the dice; what has begun a piece of work ends it.</summary>
    public void Kill()
    {
        if (!IsAlive) return;
        IsAlive = false;
        scheduler.Drop(this);
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (IsAlive) scheduler.Enqueue(this, d, state);
    }

    /// <summary>Work of the process. An exception that leaves it fails the simulation.</summary>
    public void Start(Func<Task> work) => Post(_ => Watch(work()), null);

    public void Start(Action work) => Post(_ => work(), null);

    async void Watch(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (IsAlive)
        {
            scheduler.Fail(new InvalidOperationException($"{Name} ended by an exception: {e.Message}", e));
        }
    }

    public void Run(SendOrPostCallback call, object? state)
    {
        if (!IsAlive) return;
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            call(state);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("Nobody may wait for another piece of work.");

    public override SynchronizationContext CreateCopy() => this;
}
