namespace Monolith.Agent.Reconcile;

/// <summary>
/// What a driver observes, for many lanes: whoever asks gets an observation that began after the question, and those
/// who ask while one is under way share the next.
/// </summary>
internal sealed class SharedObservation<T>(
    Func<CancellationToken, Task<IReadOnlyList<T>>> observe, Func<T, string> keyOf, CancellationToken stop)
{
    private readonly Lock gate = new();
    private Task? current;
    private Task<IReadOnlyDictionary<string, T>>? next;

    public Task<IReadOnlyDictionary<string, T>> RefreshAsync()
    {
        lock (gate)
        {
            if (current is null or { IsCompleted: true })
            {
                var first = ObserveAsync();
                current = first;
                return first;
            }

            return next ??= AfterAsync(current);
        }
    }

    private async Task<IReadOnlyDictionary<string, T>> AfterAsync(Task current)
    {
        await current.ContinueWith(ended => _ = ended.Exception, TaskScheduler.Default);
        Task<IReadOnlyDictionary<string, T>> mine;
        lock (gate)
        {
            mine = ObserveAsync();
            (this.current, next) = (mine, null);
        }

        return await mine;
    }

    private async Task<IReadOnlyDictionary<string, T>> ObserveAsync()
    {
        var all = await observe(stop);
        var found = new Dictionary<string, T>(all.Count, StringComparer.Ordinal);
        foreach (var item in all) found[keyOf(item)] = item;
        return found;
    }
}
