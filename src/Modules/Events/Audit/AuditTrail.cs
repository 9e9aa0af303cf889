using Microsoft.EntityFrameworkCore;
using Monolith.Events.V1;
using Monolith.Platform.Events;
using Monolith.Platform.Storage;
using Monolith.Protos;

namespace Monolith.Events.Audit;

/// <summary>
/// The chain: every entry is numbered, and holds a digest over itself and the one before. Written inside a write of the
/// module's one writer, so that there is one next place.
/// </summary>
internal static class AuditTrail
{
    static readonly Func<EventsDb, Task<AuditEndsRow?>> Ends = Query.One((EventsDb db) => db.AuditEnds.FirstOrDefault());

    /// <summary>What is new in the log of events.</summary>
    public static Task AppendAsync(EventsDb db, IEnumerable<EventEnvelope> events)
    {
        // What no call asked for is nobody's deed.
        var entries = events.Where(e => e.Method.Length > 0).Select(e => (Func<long, AuditRow>)(n => AuditRow.Of(n, e))).ToList();
        return entries.Count == 0 ? Task.CompletedTask : AppendAsync(db, entries);
    }

    /// <param name="entries">Each made when its place is known.</param>
    public static async Task AppendAsync(EventsDb db, IReadOnlyList<Func<long, AuditRow>> entries)
    {
        var ends = await Ends(db);
        if (ends is null) db.AuditEnds.Add(ends = new AuditEndsRow());
        var rows = new List<AuditRow>(entries.Count);
        foreach (var make in entries)
        {
            var row = make(++ends.Last);
            row.Digest = ends.Digest = AuditDigest.Of(ends.Digest, row.ToProto());
            rows.Add(row);
        }
        await db.InsertAsync(rows);
    }

    /// <summary>Looks at some entries that follow one.</summary>
    /// <param name="anchor">The digest that the one before has, or had; empty before the first.</param>
    /// <param name="entries">In order.</param>
    /// <returns>The last entry's digest, and what is wrong, where.</returns>
    public static (byte[] Digest, AuditFault? Fault) Verify(long after, byte[] anchor, IEnumerable<AuditEntry> entries)
    {
        var chain = new AuditChain(after, anchor);
        foreach (var entry in entries)
            if (chain.Add(entry) is { } wrong) return (chain.Digest, new(chain.Through + 1, wrong));
        return (chain.Digest, null);
    }

    /// <summary>Forgets up to <paramref name="count"/> entries from before a time, oldest first. What is left goes on from
    /// where they ended.</summary>
    /// <returns>Whether there is more to forget.</returns>
    public static async Task<bool> TrimAsync(EventsDb db, DateTime before, int count, CancellationToken cancel)
    {
        if (await db.AuditEnds.FirstOrDefaultAsync(cancel) is not { } ends) return false;
        var kept = await db.AuditEntries.Where(a => a.Time >= before).MinAsync(a => (long?)a.Sequence, cancel) ?? ends.Last + 1;
        var through = Math.Min(kept - 1, ends.TrimmedThrough + count);
        if (through <= ends.TrimmedThrough) return false;
        ends.TrimmedDigest = (await db.AuditEntries.FirstAsync(a => a.Sequence == through, cancel)).Digest;
        await db.AuditEntries.Where(a => a.Sequence <= through).ExecuteDeleteAsync(cancel);
        ends.TrimmedThrough = through;
        return through < kept - 1;
    }
}

/// <summary>What is wrong with the log.</summary>
/// <param name="Message">For people.</param>
internal sealed record AuditFault(long Sequence, string Message);
