namespace Monolith.Agent.Sync;

/// <summary>
/// Exponential waiting with full jitter, so that a thousand agents do not come back in the same moment.
/// </summary>
/// <param name="First">Upper bound of the first wait.</param>
/// <param name="Cap">Upper bound of any wait.</param>
internal readonly record struct Backoff(TimeSpan First, TimeSpan Cap)
{
    /// <param name="attempt">0 for the first.</param>
    /// <param name="random">In [0, 1).</param>
    /// <returns>Between a quarter of the bound and the bound: never a busy loop.</returns>
    public TimeSpan After(int attempt, double random)
    {
        var bound = Math.Min(Cap.TotalMilliseconds, First.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30)));
        return TimeSpan.FromMilliseconds(bound * (0.25 + (0.75 * random)));
    }
}
