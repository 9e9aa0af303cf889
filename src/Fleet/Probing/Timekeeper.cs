using Monolith.Fleet.Figures;

namespace Monolith.Fleet.Probing;

/// <summary>
/// Measures answers from their question on, but for those to the first five questions of each sort: they wait for the
/// compiler of this process, too. No more than five, since a host that is slow at first is to be seen, and none that is
/// not answered in time. Safe for concurrent use.
/// </summary>
internal sealed class Timekeeper(TimeProvider clock)
{
    public const int LeftOut = 5;
    readonly Lock gate = new();
    readonly Dictionary<string, HashSet<long>> first = [];

    public TimeProvider Clock => clock;

    /// <param name="sort">Answers of one sort take the same way through this process.</param>
    /// <param name="asked">The clock's time stamp; of a question with several answers it is the same.</param>
    public void Answered(Samples samples, string sort, long asked)
    {
        var took = clock.GetElapsedTime(asked);
        if (!IsFirst(sort, asked)) samples.Add(took);
    }

    bool IsFirst(string sort, long asked)
    {
        lock (gate)
        {
            if (!first.TryGetValue(sort, out var questions)) first[sort] = questions = [];
            return questions.Contains(asked) || (questions.Count < LeftOut && questions.Add(asked));
        }
    }
}
