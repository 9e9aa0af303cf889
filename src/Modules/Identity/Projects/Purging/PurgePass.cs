using Monolith.Identity.Contracts;
using Monolith.Platform.Faults;

namespace Monolith.Identity.Projects.Purging;

/// <summary>
/// One way through all that a project owns, in turns. Kept in memory: a host that dies forgets how far it was, and its
/// next way begins at the first again.
/// </summary>
/// <param name="idle">Passes before this one in which nothing went.</param>
internal sealed class PurgePass(int idle)
{
    static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan LastPause = TimeSpan.FromSeconds(30);

    readonly Lock gate = new();
    readonly Dictionary<string, (string Reason, string Message)> refusals = new(StringComparer.Ordinal);
    int removed;

    /// <summary>Which of the kinds it is at.</summary>
    public int Kind { get; private set; }

    /// <summary>What of that kind was asked to go last; empty: none of it.</summary>
    public string After { get; private set; } = "";

    /// <summary>Something went, or began to.</summary>
    public bool HasMoved => removed > 0;

    public void Went() => Interlocked.Increment(ref removed);

    public void Refused(string kind, Fault fault)
    {
        lock (gate) refusals.TryAdd(kind, (fault.Reason, fault.Message));
    }

    public void Through(string name) => After = name;

    public void EndOfKind() => (Kind, After) = (Kind + 1, "");

    /// <summary>Says of what is left what it was refused with.</summary>
    public IEnumerable<ProjectContent> Explain(IEnumerable<ProjectContent> left) => left.Select(c =>
        c.Reason.Length == 0 && refusals.TryGetValue(c.Kind, out var why)
            ? c with { Reason = why.Reason, Message = why.Message }
            : c);

    public PurgePass Next() => new(HasMoved ? 0 : idle + 1);

    /// <summary>Before the next one. It doubles while nothing goes.</summary>
    public TimeSpan Pause()
    {
        var pause = FirstPause * Math.Pow(2, HasMoved ? 0 : Math.Min(idle, 10));
        return pause < LastPause ? pause : LastPause;
    }
}
