using System.Runtime.InteropServices;

namespace Monolith.Platform;

/// <summary>
/// Where work runs that no caller waits for: as many pieces at a time as there are processors, first come, first served. The
/// thread pool has one queue for all, in which a call that takes a millisecond would wait behind all that is under way for
/// servers that others want; this work has a queue and threads of its own, and calls have the pool's. The kernel is told as
/// well: when both want a processor, a call's thread gets most of it, and gets it at once.
/// <para/>
/// A piece ends at each await that waits. One that waits without letting go, as a commit does for its disk, keeps its place.
/// </summary>
public static class Background
{
    // Of a processor that a call wants as well, a quarter is left: nothing starves, as it would at 19.
    const int Niceness = 5;

    static readonly Places All = new(Environment.ProcessorCount);

    /// <summary>Runs it there, and what it awaits as well, as long as that does not say otherwise.</summary>
    public static Task Run(Func<Task> work) =>
        // Somebody decides already in which order all things happen, as a simulation does.
        SynchronizationContext.Current is null
            ? Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, All).Unwrap()
            : work();

    /// <summary>What is begun by such work and computes for long: it takes none of the places.</summary>
    public static Task RunApart(Func<Task> work) => SynchronizationContext.Current is null ? Task.Run(work) : work();

    sealed class Places : TaskScheduler
    {
        [ThreadStatic]
        static bool isPlace;

        // Its monitor is what the threads wait for: a semaphore would spin for a while first, and at an idle host that was a
        // fifth of all work.
        readonly Queue<Task> queue = [];

        public Places(int count)
        {
            MaximumConcurrencyLevel = count;
            for (var place = 0; place < count; place++) new Thread(Work) { IsBackground = true, Name = "background" }.Start();
        }

        public override int MaximumConcurrencyLevel { get; }

        void Work()
        {
            isPlace = true;
            // Of this thread alone, on Linux. Whoever lowers itself needs no privilege; what fails costs calls some patience.
            _ = SetPriority(which: 0, who: 0, Niceness);
            while (true) TryExecuteTask(Next());
        }

        Task Next()
        {
            lock (queue)
            {
                while (queue.Count == 0) Monitor.Wait(queue);
                return queue.Dequeue();
            }
        }

        protected override void QueueTask(Task task)
        {
            lock (queue)
            {
                queue.Enqueue(task);
                Monitor.Pulse(queue);
            }
        }

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
            isPlace && !taskWasPreviouslyQueued && TryExecuteTask(task);

        protected override IEnumerable<Task> GetScheduledTasks()
        {
            lock (queue) return queue.ToArray();
        }

        [DllImport("libc", EntryPoint = "setpriority")]
        static extern int SetPriority(int which, uint who, int niceness);
    }
}
