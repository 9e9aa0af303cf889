using Monolith.Host;

// Work of the background holds a thread while it waits for a disk. Calls find as many threads again, without waiting until
// the pool has found out that it needs them.
ThreadPool.GetMinThreads(out _, out var completions);
ThreadPool.SetMinThreads(2 * Environment.ProcessorCount, completions);
return await CommandLine.RunAsync(args);
