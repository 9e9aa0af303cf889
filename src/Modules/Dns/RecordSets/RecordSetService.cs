using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Dns.Serving;
using Monolith.Dns.V1;
using Monolith.Dns.Zones;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Dns.RecordSets;

internal sealed class RecordSetService(Store<DnsDb> store, ServedZones served)
    : V1.RecordSetService.RecordSetServiceBase
{
    const string ZonePattern = "projects/*/zones/*";
    const string Pattern = "projects/*/zones/*/recordSets/*";

    static readonly FilterFields<RecordSetRow> Filters = new FilterFields<RecordSetRow>()
        .Text("name", r => r.Name)
        .Text("domain", r => r.Domain)
        .Text("type", r => r.Type)
        .Text("values", r => r.Values)
        .Text("owner", r => r.Owner)
        .Number("ttl_seconds", r => r.TtlSeconds);

    public override async Task<RecordSet> CreateRecordSet(CreateRecordSetRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        ResourceName.Parse(ZonePattern, request.Parent, "parent", violations);
        List<string> values = [];
        if (violations.Require(request.RecordSet is not null, "record_set", "is required"))
            values = RecordSetRules.Check(request.RecordSet, violations);
        violations.ThrowIfAny();
        var wanted = request.RecordSet!;
        var set = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var zone = await ZoneAsync(unit.Db, request.Parent);
            if (zone.Absolute(wanted.Domain).Length > RecordSetRules.MaxName)
                throw Fault.Invalid("record_set.domain", $"is too long together with {zone.Domain}: at most "
                    + $"{RecordSetRules.MaxName} characters");
            var there = await unit.Db.RecordSets.Where(r => r.ZoneUid == zone.Uid && r.Domain == wanted.Domain)
                .ToListAsync();
            var name = RecordSetRow.NameOf(zone, wanted.Domain, wanted.Type);
            if (there.Any(r => r.Type == wanted.Type)) throw Fault.AlreadyExists(name);
            RefuseBesideAlias(there, wanted.Type);
            var row = new RecordSetRow
            {
                Name = name,
                Project = zone.Project,
                ZoneUid = zone.Uid,
                Domain = wanted.Domain,
                Type = wanted.Type,
                TtlSeconds = wanted.TtlSeconds,
                Values = string.Join('\n', values),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.RecordSets.Add(row);
            zone.Advance(unit.Now);
            return unit.Emit(Change.Created, row);
        }, context.CancellationToken);
        await served.CaughtUpAsync(context.CancellationToken);
        return set;
    }

    public override Task<RecordSet> GetRecordSet(GetRecordSetRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db => (await db.RecordSets.FirstOrDefaultAsync(r => r.Name == request.Name)
            ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListRecordSetsResponse> ListRecordSets(ListRecordSetsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters, ZonePattern);
        var (found, sequence) = await store.SnapshotAsync(async db =>
        {
            var zone = await ZoneAsync(db, request.Parent);
            return await list.Of(db.RecordSets.Where(r => r.ZoneUid == zone.Uid)).ToListAsync();
        });
        var (rows, next) = list.Cut(found);
        return new ListRecordSetsResponse
        {
            RecordSets = { rows.Select(r => r.ToProto()) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override async Task<RecordSet> UpdateRecordSet(UpdateRecordSetRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.RecordSet is not null, "record_set", "is required");
        violations.ThrowIfAny();
        var wanted = request.RecordSet!;
        ResourceName.Parse(Pattern, wanted.Name, "record_set.name", violations);
        var changed = Masks.Changed(request.UpdateMask, wanted, RecordSetRules.Changeable, violations);
        // The name says the type; one that names none is not found, and its values are nobody's.
        var type = wanted.Name[(wanted.Name.LastIndexOf('.') + 1)..];
        List<string> values = [];
        if (changed.Contains("ttl_seconds")) RecordSetRules.CheckTtl(wanted.TtlSeconds, violations);
        if (changed.Contains("values") && RecordType.Known.ContainsKey(type))
            values = RecordSetRules.CheckValues(type, wanted.Values, violations);
        violations.ThrowIfAny();
        var set = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await FindAsync(unit.Db, wanted.Name);
            row.Touch(wanted.Etag, unit.Now);
            if (changed.Contains("ttl_seconds")) row.TtlSeconds = wanted.TtlSeconds;
            if (changed.Contains("values")) row.Values = string.Join('\n', values);
            (await unit.Db.Zones.FirstAsync(z => z.Uid == row.ZoneUid)).Advance(unit.Now);
            return unit.Emit(Change.Updated, row);
        }, context.CancellationToken);
        await served.CaughtUpAsync(context.CancellationToken);
        return set;
    }

    public override async Task<Empty> DeleteRecordSet(DeleteRecordSetRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await FindAsync(unit.Db, request.Name);
            row.Touch(request.Etag, unit.Now);
            unit.Db.RecordSets.Remove(row);
            (await unit.Db.Zones.FirstAsync(z => z.Uid == row.ZoneUid)).Advance(unit.Now);
            unit.Emit(Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await served.CaughtUpAsync(context.CancellationToken);
        return answer;
    }

    public override async Task WatchRecordSets(WatchRecordSetsRequest request,
        IServerStreamWriter<WatchRecordSetsResponse> stream, ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), Pattern);
        var zone = await store.ReadAsync(db => ZoneAsync(db, request.Parent));
        await watch.RunAsync("recordSet",
            async db => (await watch.Of(db.RecordSets.Where(r => r.ZoneUid == zone.Uid)).ToListAsync())
                .ConvertAll(r => r.ToProto()),
            (change, set, token) => stream.WriteAsync(new WatchRecordSetsResponse
            {
                Change = change,
                RecordSet = set,
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken);
    }

    static async Task<ZoneRow> ZoneAsync(DnsDb db, string name) =>
        await db.Zones.FirstOrDefaultAsync(z => z.Name == name) ?? throw Fault.NotFound(name);

    /// <summary>A record set that people may change.</summary>
    static async Task<RecordSetRow> FindAsync(DnsDb db, string name)
    {
        var row = await db.RecordSets.FirstOrDefaultAsync(r => r.Name == name) ?? throw Fault.NotFound(name);
        return row.OwnerUid is null ? row : throw Fault.Precondition("RECORD_SET_OWNED", name,
            $"{name} is kept by {row.Owner} and goes with it. Change that resource, or make a record of another name.");
    }

    static void RefuseBesideAlias(List<RecordSetRow> there, string type)
    {
        if (there.Count == 0 || type != "CNAME" && there.All(r => r.Type != "CNAME")) return;
        var first = there[0];
        throw Fault.Precondition("ALIAS_STANDS_ALONE", first.Name,
            $"A name with a CNAME record has no other records (RFC 1034, 3.6.2), and {first.Name} exists. Delete it first.");
    }
}
