using Monolith.Host;

// Work of the background holds a thread while it waits for a disk. Calls find as many threads again, without waiting until
// the pool has found out that it needs them. A thread is as nice as the one that made it: these are made here, by one that
// gives way to nobody, and stay.
var threads = 2 * Environment.ProcessorCount;
ThreadPool.GetMinThreads(out _, out var completions);
ThreadPool.SetMinThreads(threads, completions);
// Not disposed: the last to signal is not the last to wait.
var made = new CountdownEvent(threads);
for (var thread = 0; thread < threads; thread++)
    ThreadPool.UnsafeQueueUserWorkItem(made => { made.Signal(); made.Wait(); }, made, preferLocal: false);
made.Wait();
return await CommandLine.RunAsync(args);
