namespace Monolith.Platform;

/// <summary>
/// Where work runs that no caller waits for: as many pieces at a time as there are processors, first come, first served. The
/// thread pool has one queue for all, in which a call that takes a millisecond would wait behind all that is under way for
/// servers that others want; this work has a queue of its own, and calls have the pool's.
/// <para/>
/// A piece ends at each await that waits. One that waits without letting go, as a commit does for its disk, keeps its place.
/// </summary>
public static class Background
{
    static readonly TaskScheduler Places =
        new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, Environment.ProcessorCount).ConcurrentScheduler;

    /// <summary>Runs it there, and what it awaits as well, as long as that does not say otherwise.</summary>
    public static Task Run(Func<Task> work) =>
        // Somebody decides already in which order all things happen, as a simulation does.
        SynchronizationContext.Current is null
            ? Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, Places).Unwrap()
            : work();

    /// <summary>What is begun by such work and computes for long: it takes none of the places.</summary>
    public static Task RunApart(Func<Task> work) => SynchronizationContext.Current is null ? Task.Run(work) : work();
}
