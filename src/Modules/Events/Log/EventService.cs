using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Events.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Events.Log;

internal sealed class EventService(Store<EventsDb> store, EventLog log, TimeProvider time)
    : V1.EventService.EventServiceBase
{
    const int PageSize = 500;

    /// <summary>Another replica may have written while the bus was away.</summary>
    static readonly TimeSpan Glance = TimeSpan.FromSeconds(5);

    static readonly FilterFields<LogRow> Filters = new FilterFields<LogRow>()
        .Text("type", l => l.Type)
        .Text("resource", l => l.Resource)
        .Text("actor", l => l.Actor)
        .Time("time", l => l.Time);

    public override async Task<ListEventsResponse> ListEvents(ListEventsRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        var list = Query(request, context, violations);
        violations.ThrowIfAny();
        var (page, after) = (list.Page, list.Page.AfterNumber());
        var found = await store.ReadAsync(db => Rows(db, list)
            .Where(l => l.Sequence > after).OrderBy(l => l.Sequence).Take(page.Size + 1)
            .ToListAsync(context.CancellationToken));
        var (rows, next) = page.Cut(found, l => l.Sequence.ToString(CultureInfo.InvariantCulture));
        return new ListEventsResponse { Events = { rows.Select(l => l.ToProto()) }, NextPageToken = next };
    }

    public override async Task WatchEvents(WatchEventsRequest request, IServerStreamWriter<Event> responseStream,
        ServerCallContext context)
    {
        var cancel = context.CancellationToken;
        var violations = new Violations();
        var list = Query(request, context, violations);
        var after = await BeginAsync(request.AfterSequence, violations);
        while (true)
        {
            var (last, grown) = log.Tip();
            if (after >= last)
            {
                await WaitAsync(grown, cancel);
                continue;
            }
            var from = after;
            var rows = await store.ReadAsync(db => Rows(db, list)
                .Where(l => l.Sequence > from && l.Sequence <= last).OrderBy(l => l.Sequence).Take(PageSize)
                .ToListAsync(cancel));
            // Asked after the rows were read: what was cut off before that shows here.
            CheckKept(after, await log.EndsAsync());
            foreach (var row in rows) await responseStream.WriteAsync(row.ToProto(), cancel);
            after = rows.Count == PageSize ? rows[^1].Sequence : last;
        }
    }

    /// <exception cref="Fault">INVALID_ARGUMENT with every violation; OUT_OF_RANGE.</exception>
    async Task<long> BeginAsync(long wanted, Violations violations)
    {
        var ends = await log.EndsAsync();
        violations.Require(wanted >= -1 && wanted <= ends.Last, "after_sequence", "must be -1 (only new events), 0 (all "
            + $"that are kept), or a sequence of the log, which goes up to {ends.Last}");
        violations.ThrowIfAny();
        if (wanted == -1) return ends.Last;
        if (wanted == 0) return ends.TrimmedThrough;
        CheckKept(wanted, ends);
        return wanted;
    }

    static void CheckKept(long after, EndsRow ends)
    {
        if (after >= ends.TrimmedThrough) return;
        throw new Fault(StatusCode.OutOfRange, "EVENTS_NO_LONGER_KEPT",
            $"The log keeps events from {ends.TrimmedThrough + 1} on; those after {after} are gone. Watch with "
            + "after_sequence 0 for all that are kept, and list the resources themselves for what was before.")
        {
            Metadata = new Dictionary<string, string>
            {
                ["oldest_sequence"] = (ends.TrimmedThrough + 1).ToString(CultureInfo.InvariantCulture),
            },
        };
    }

    async Task WaitAsync(Task grown, CancellationToken cancel)
    {
        try
        {
            await grown.WaitAsync(Glance, time, cancel);
        }
        catch (TimeoutException)
        {
            await log.GlanceAsync();
        }
    }

    /// <summary>Without a parent, of everything.</summary>
    static ListQuery<LogRow> Query(IMessage request, ServerCallContext context, Violations violations)
    {
        var parent = Fields.Text(request, "parent");
        var scope = parent.Length == 0
            ? ProjectScope.Everything
            : ProjectScope.Of(parent, context.GetCall(), violations);
        return ListQuery.Of(request, scope, Filters, isNumbered: true, violations);
    }

    static IQueryable<LogRow> Rows(EventsDb db, ListQuery<LogRow> list)
    {
        var rows = db.Log.AsNoTracking();
        if (list.Scope.Projects is [var only]) rows = rows.Where(l => l.Project == only);
        else if (list.Scope.Projects is { } some) rows = rows.Where(l => some.Contains(l.Project));
        return list.Filtered(rows);
    }
}
