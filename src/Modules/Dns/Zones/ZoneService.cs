using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Dns.RecordSets;
using Monolith.Dns.Serving;
using Monolith.Dns.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Dns.Zones;

internal sealed class ZoneService(Store<DnsDb> store, ServedZones served, DnsOptions options)
    : V1.ZoneService.ZoneServiceBase
{
    const string Pattern = "projects/*/zones/*";

    static readonly FilterFields<ZoneRow> Filters = new FilterFields<ZoneRow>()
        .Text("name", z => z.Name)
        .Text("domain", z => z.Domain)
        .Number("default_ttl_seconds", z => z.DefaultTtlSeconds)
        .Time("create_time", z => z.CreateTime)
        .Labels(z => z.Labels);

    public override async Task<Zone> CreateZone(CreateZoneRequest request, ServerCallContext context)
    {
        ZoneRules.Check(request, options);
        var name = $"{request.Parent}/zones/{request.ZoneId}";
        var project = ResourceName.ProjectOf(name)!;
        var zone = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            if (await unit.Db.Zones.AnyAsync(z => z.Name == name)) throw Fault.AlreadyExists(name);
            await RefuseOverlapAsync(unit.Db, request.Zone.Domain, project);
            var row = new ZoneRow
            {
                Name = name,
                Project = project,
                Domain = request.Zone.Domain,
                Labels = Labels.Store(request.Zone.Labels),
                DefaultTtlSeconds = Ttl(request.Zone.DefaultTtlSeconds),
                Contact = Contact(request.Zone.Contact, request.Zone.Domain),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.Zones.Add(row);
            return unit.Emit(Change.Created, row);
        }, context.CancellationToken);
        await served.CaughtUpAsync(context.CancellationToken);
        return zone;
    }

    public override Task<Zone> GetZone(GetZoneRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        return store.ReadAsync(async db =>
            (await db.Zones.FirstOrDefaultAsync(z => z.Name == request.Name) ?? throw Fault.NotFound(request.Name))
            .ToProto());
    }

    public override async Task<ListZonesResponse> ListZones(ListZonesRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.Zones).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListZonesResponse { Zones = { rows.Select(z => z.ToProto()) }, NextPageToken = next };
    }

    public override async Task<Zone> UpdateZone(UpdateZoneRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Zone is not null, "zone", "is required");
        violations.ThrowIfAny();
        var wanted = request.Zone!;
        ResourceName.Parse(Pattern, wanted.Name, "zone.name", violations);
        var changed = Masks.Changed(request.UpdateMask, wanted, ZoneRules.Changeable, violations);
        ZoneRules.CheckFields(wanted, violations);
        violations.ThrowIfAny();
        var zone = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Zones.FirstOrDefaultAsync(z => z.Name == wanted.Name)
                ?? throw Fault.NotFound(wanted.Name);
            row.Touch(wanted.Etag, unit.Now);
            if (changed.Contains("labels")) row.Labels = Labels.Store(wanted.Labels);
            if (changed.Contains("default_ttl_seconds")) row.DefaultTtlSeconds = Ttl(wanted.DefaultTtlSeconds);
            if (changed.Contains("contact")) row.Contact = Contact(wanted.Contact, row.Domain);
            row.Advance(unit.Now);
            return unit.Emit(Change.Updated, row);
        }, context.CancellationToken);
        await served.CaughtUpAsync(context.CancellationToken);
        return zone;
    }

    public override async Task<Empty> DeleteZone(DeleteZoneRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Pattern, request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Zones.FirstOrDefaultAsync(z => z.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            if (row.Domain == options.Domain)
                throw Fault.Precondition("ZONE_IS_THE_CLOUDS", row.Name,
                    $"{row.Name} is the cloud's own zone. Servers are named in it; it cannot be deleted.");
            var owned = await unit.Db.RecordSets.Where(r => r.ZoneUid == row.Uid && r.OwnerUid != null)
                .OrderBy(r => r.Name).Take(20).ToListAsync();
            if (owned.Count > 0)
                throw Fault.Precondition($"{row.Name} has records that resources keep. Delete those resources first.",
                    [.. owned.Select(r => new PreconditionViolation("RECORD_SET_OWNED", r.Name, $"is kept by {r.Owner}"))]);
            foreach (var set in await unit.Db.RecordSets.Where(r => r.ZoneUid == row.Uid).ToListAsync())
            {
                unit.Db.RecordSets.Remove(set);
                unit.Emit(Change.Deleted, set);
            }
            unit.Db.Zones.Remove(row);
            unit.Emit(Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await served.CaughtUpAsync(context.CancellationToken);
        return answer;
    }

    // A zone inside another project's zone would take names out of it, and one around it would be above its owner.
    static async Task RefuseOverlapAsync(DnsDb db, string domain, string project)
    {
        var above = ZoneRules.Suffixes(domain);
        var below = "." + domain;
        var overlaps = await db.Zones.Where(z => above.Contains(z.Domain)
            || z.Project != project && z.Domain.EndsWith(below)).ToListAsync();
        // Whose it is stays between the project and its owner.
        if (overlaps.Any(z => z.Domain == domain))
            throw new Fault(StatusCode.AlreadyExists, "DOMAIN_TAKEN",
                $"A zone of the domain {domain} exists already in this cloud. Choose another domain.")
            { Metadata = new Dictionary<string, string> { ["domain"] = domain } };
        if (overlaps.Any(z => z.Project != project))
            throw Fault.Precondition("DOMAIN_OVERLAPS", domain,
                $"{domain} overlaps with a zone of another project. Ask that project's owner to delegate it.");
    }

    int Ttl(int seconds) => seconds == 0 ? options.DefaultTtlSeconds : seconds;

    static string Contact(string contact, string domain) => contact.Length == 0 ? "hostmaster@" + domain : contact;
}
