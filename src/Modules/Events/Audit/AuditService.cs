using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Events.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Storage;
using Monolith.Protos;

namespace Monolith.Events.Audit;

internal sealed class AuditService(Store<EventsDb> store) : V1.AuditService.AuditServiceBase
{
    /// <summary>Entries that are looked at in one call.</summary>
    const int Slice = 20_000;

    static readonly FilterFields<AuditRow> Filters = new FilterFields<AuditRow>()
        .Number("sequence", a => a.Sequence)
        .Time("time", a => a.Time)
        .Text("caller", a => a.Caller)
        .Text("credential", a => a.Credential)
        .Text("peer", a => a.Peer)
        .Text("method", a => a.Method)
        .Text("resource", a => a.Resource)
        .Number("code", a => a.Code)
        .Text("reason", a => a.Reason)
        .Text("request_id", a => a.RequestId)
        .Text("trace_id", a => a.TraceId)
        .Text("event_type", a => a.EventType);

    public override async Task<ListAuditEntriesResponse> ListAuditEntries(ListAuditEntriesRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        var scope = request.Parent.Length == 0
            ? ProjectScope.Everything
            : ProjectScope.Of(request.Parent, context.GetCall(), violations);
        var list = ListQuery.Of(request, scope, Filters, isNumbered: true, violations);
        violations.ThrowIfAny();
        var after = list.Page.AfterNumber();
        var found = await store.ReadAsync(db =>
        {
            var rows = list.Filtered(InScope(db.AuditEntries.AsNoTracking(), list.Scope));
            rows = !request.NewestFirst ? rows.Where(a => a.Sequence > after).OrderBy(a => a.Sequence)
                : (after == 0 ? rows : rows.Where(a => a.Sequence < after)).OrderByDescending(a => a.Sequence);
            return rows.Take(list.Page.Size + 1).ToListAsync(context.CancellationToken);
        });
        var (page, next) = list.Page.Cut(found, a => a.Sequence.ToString(CultureInfo.InvariantCulture));
        return new ListAuditEntriesResponse { Entries = { page.Select(a => a.ToProto()) }, NextPageToken = next };
    }

    public override async Task<VerifyAuditEntriesResponse> VerifyAuditEntries(VerifyAuditEntriesRequest request,
        ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.After >= 0, "after", "must not be negative");
        violations.Require(request.Digest.Length is 0 or AuditDigest.Length, "digest", $"must have {AuditDigest.Length} bytes, or none");
        violations.Require(request.After > 0 || request.Digest.IsEmpty, "digest", "goes with `after`");
        violations.ThrowIfAny();
        // The ends first: what is written meanwhile is looked at the next time.
        var ends = await store.ReadAsync(async db => await db.AuditEnds.AsNoTracking().FirstOrDefaultAsync() ?? new AuditEndsRow());
        if (request.After > 0 && request.After < ends.TrimmedThrough) throw NoLongerKept(ends);
        if (request.After > ends.Last)
            return Answer(ends, request.After, request.Digest.ToByteArray(), new(ends.Last + 1,
                $"Entry {request.After} is missing: the log ends with {ends.Last}."));
        var (after, anchor) = await AnchorAsync(request, ends);
        if (!request.Digest.IsEmpty && !request.Digest.Span.SequenceEqual(anchor))
            return Answer(ends, after, anchor, new(after, $"Entry {after} has another digest than it had: it or one before was changed."));
        var rows = await store.ReadAsync(db => db.AuditEntries.AsNoTracking()
            .Where(a => a.Sequence > after && a.Sequence <= ends.Last).OrderBy(a => a.Sequence).Take(Slice)
            .ToListAsync(context.CancellationToken));
        var (digest, fault) = AuditTrail.Verify(after, anchor, rows.Select(r => r.ToProto()));
        var through = rows.Count == 0 ? after : rows[^1].Sequence;
        // What retention took meanwhile is not missing.
        if (fault is not null && await store.ReadAsync(async db => (await db.AuditEnds.AsNoTracking().FirstAsync()).TrimmedThrough) is var trimmed
            && trimmed > after)
            throw new Fault(StatusCode.Aborted, "ENTRIES_FORGOTTEN_MEANWHILE", "The oldest entries were forgotten meanwhile. Begin again.");
        if (fault is null && (rows.Count < Slice || through == ends.Last))
            fault = through < ends.Last ? new(through + 1, $"Entry {through + 1} is missing, and all after it: the log should end with {ends.Last}.")
                : digest.AsSpan().SequenceEqual(ends.Digest) ? null
                : new(through, $"Entry {through} is not the one that the log ended with.");
        var answer = Answer(ends, fault is null ? through : Math.Min(through, fault.Sequence - 1), digest, fault);
        answer.Entries = fault is null ? rows.Count : 0;
        return answer;
    }

    /// <summary>What the entries to look at join on to.</summary>
    Task<(long After, byte[] Digest)> AnchorAsync(VerifyAuditEntriesRequest request, AuditEndsRow ends) =>
        request.After <= ends.TrimmedThrough
            ? Task.FromResult((ends.TrimmedThrough, ends.TrimmedDigest))
            : store.ReadAsync(async db => (request.After, (await db.AuditEntries.AsNoTracking()
                .FirstOrDefaultAsync(a => a.Sequence == request.After))?.Digest ?? []));

    static VerifyAuditEntriesResponse Answer(AuditEndsRow ends, long through, byte[] digest, AuditFault? fault) => new()
    {
        Through = through,
        Digest = ByteString.CopyFrom(digest),
        LastSequence = ends.Last,
        Fault = fault?.Message ?? "",
        FaultSequence = fault?.Sequence ?? 0,
    };

    static Fault NoLongerKept(AuditEndsRow ends) => new(StatusCode.OutOfRange, "ENTRIES_NO_LONGER_KEPT",
        $"The audit log keeps entries from {ends.TrimmedThrough + 1} on. Verify with `after` 0 for all that are kept, or from what "
        + $"you know of entry {ends.TrimmedThrough} or a later one.");

    static IQueryable<AuditRow> InScope(IQueryable<AuditRow> rows, ProjectScope scope) => scope.Projects switch
    {
        null => rows,
        [var only] => rows.Where(a => a.Project == only),
        var some => rows.Where(a => some.Contains(a.Project)),
    };
}
