using System.Collections.Concurrent;
using Monolith.Fleet.Figures;

namespace Monolith.Fleet.Probing;

/// <summary>
/// Measures answers from their question on, but for the first of each sort and all that had been asked before that came:
/// they wait for the compiler of this process, and what comes after them does not. At 20 a second that leaves out a few.
/// What is not answered in time is never left out. Safe for concurrent use.
/// </summary>
internal sealed class Timekeeper(TimeProvider clock)
{
    readonly ConcurrentDictionary<string, long> came = new();

    public TimeProvider Clock => clock;

    /// <param name="sort">Answers of one sort take the same way through this process.</param>
    /// <param name="asked">The clock's time stamp.</param>
    public void Answered(Samples samples, string sort, long asked)
    {
        var now = clock.GetTimestamp();
        if (came.GetOrAdd(sort, now) <= asked) samples.Add(clock.GetElapsedTime(asked, now));
    }
}
