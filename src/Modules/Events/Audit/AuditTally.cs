using Monolith.Events.Contracts;

namespace Monolith.Events.Audit;

/// <summary>
/// Calls that wait to be written: equal ones are one with a number. A caller who varies what it asks for has a number of
/// entries a minute, and who shows nothing a few; what is beyond is told by caller, address and result, once a minute. So a
/// flood fills neither disk nor memory, and hides nobody else. Not thread-safe.
/// </summary>
internal sealed class AuditTally
{
    public const int OfACaller = 120, OfAnAddress = 12, MaxDifferent = 256, MaxCallers = 4_096;

    readonly Dictionary<(string Caller, string Peer), int> spent = [];

    /// <summary>Written each second.</summary>
    public Dictionary<AuditFact, Waiting> Exact { get; private set; } = [];

    /// <summary>Written each minute.</summary>
    public Dictionary<AuditFact, Waiting> Blurred { get; private set; } = [];

    /// <param name="First">The first of them, with its own request and trace.</param>
    public sealed record Waiting(AuditFact First, DateTime Since, int Count);

    public void Add(AuditFact fact, DateTime now)
    {
        // A call has a request and a trace of its own: many are told of by what they share.
        var key = fact with { RequestId = "", TraceId = "" };
        if (Exact.ContainsKey(key) || Spend(key)) Put(Exact, key, new(fact, now, 1));
        else Blur(key, new(fact, now, 1));
    }

    /// <summary>What could not be written.</summary>
    public void PutBack(IReadOnlyDictionary<AuditFact, Waiting> taken)
    {
        foreach (var (key, waiting) in taken)
            if (Exact.Count < 2 * MaxDifferent) Put(Exact, key, waiting);
            else Blur(key, waiting);
    }

    public Dictionary<AuditFact, Waiting> TakeExact()
    {
        var taken = Exact;
        Exact = [];
        return taken;
    }

    /// <summary>A minute is over: what was blurred is told, and everybody may vary anew.</summary>
    public Dictionary<AuditFact, Waiting> TakeBlurred()
    {
        var taken = Blurred;
        Blurred = [];
        spent.Clear();
        return taken;
    }

    /// <summary>Whether the caller may have one more entry of its own in this minute; it has it then.</summary>
    public bool Spend(AuditFact fact)
    {
        var who = (fact.Caller, fact.Peer);
        var before = spent.GetValueOrDefault(who);
        if (before >= (fact.Caller.Length > 0 ? OfACaller : OfAnAddress) || Exact.Count >= MaxDifferent
            || (before == 0 && spent.Count >= MaxCallers)) return false;
        spent[who] = before + 1;
        return true;
    }

    void Blur(AuditFact fact, Waiting waiting)
    {
        var key = new AuditFact(fact.Caller, "", fact.Peer, "", "", "", fact.Code, "", "", "");
        if (!Blurred.ContainsKey(key) && Blurred.Count >= MaxDifferent) key = key with { Caller = "", Peer = "" };
        Put(Blurred, key, waiting with { First = key });
    }

    static void Put(Dictionary<AuditFact, Waiting> into, AuditFact key, Waiting waiting) => into[key] =
        into.TryGetValue(key, out var before) ? before with { Count = before.Count + waiting.Count } : waiting;
}
