using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Domains;

internal sealed class DomainService(Store<IdentityDb> store, Registry registry) : V1.DomainService.DomainServiceBase
{
    const int MostNamed = 5;

    static readonly FilterFields<DomainRow> Filters = new FilterFields<DomainRow>()
        .Text("name", d => d.Name)
        .Text("display_name", d => d.DisplayName)
        .Labels(d => d.Labels);

    public override async Task<Domain> CreateDomain(CreateDomainRequest request, ServerCallContext context)
    {
        DomainRules.Check(request);
        var made = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = "domains/" + request.DomainId;
            if (await unit.Db.Domains.AnyAsync(d => d.Name == name)) throw Fault.AlreadyExists(name);
            var row = new DomainRow
            {
                Name = name,
                DisplayName = request.Domain?.DisplayName ?? "",
                Labels = Labels.Store(request.Domain?.Labels ?? []),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.Domains.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return made;
    }

    public override Task<Domain> GetDomain(GetDomainRequest request, ServerCallContext context)
    {
        ResourceName.Parse("domains/*", request.Name);
        return store.ReadAsync(async db =>
            (await db.Domains.FirstOrDefaultAsync(d => d.Name == request.Name) ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListDomainsResponse> ListDomains(ListDomainsRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var caller = context.GetCall().Caller;
        var grants = caller.Grants.Where(g => !caller.IsLimited || g.Permissions.Contains("identity.domains.get")).ToList();
        var everywhere = grants.Any(g => g.Scope.Length == 0);
        var scopes = grants.Select(g => g.Scope).Distinct().ToList();
        var found = await store.ReadAsync(db => list.Of(db.Domains.Where(d => everywhere || scopes.Contains(d.Name))).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListDomainsResponse { Domains = { rows.Select(d => d.ToProto()) }, NextPageToken = next };
    }

    public override Task<Domain> UpdateDomain(UpdateDomainRequest request, ServerCallContext context)
    {
        var changed = DomainRules.Check(request);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Domains.FirstOrDefaultAsync(d => d.Name == request.Domain.Name) ?? throw Fault.NotFound(request.Domain.Name);
            row.Touch(request.Domain.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = request.Domain.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(request.Domain.Labels);
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
    }

    public override async Task<Empty> DeleteDomain(DeleteDomainRequest request, ServerCallContext context)
    {
        ResourceName.Parse("domains/*", request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Domains.FirstOrDefaultAsync(d => d.Name == request.Name) ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            var inside = await unit.Db.Projects.Where(p => p.Domain == row.Name).OrderBy(p => p.Name).Select(p => p.Name).Take(MostNamed + 1).ToListAsync();
            if (inside.Count > 0)
                throw Fault.Precondition("DOMAIN_NOT_EMPTY", row.Name, $"{row.Name} has {string.Join(", ", inside.Take(MostNamed))}"
                    + $"{(inside.Count > MostNamed ? " and more" : "")}. Delete these first, or move them: monolith project update PROJECT --domain OTHER");
            foreach (var binding in await unit.Db.RoleBindings.Where(b => b.Scope == row.Name).ToListAsync())
            {
                unit.Db.RoleBindings.Remove(binding);
                RoleBindings.RoleBindingService.Emit(unit, Change.Deleted, binding);
            }
            unit.Db.Domains.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    static Domain Emit(Unit<IdentityDb> unit, Change change, DomainRow row)
    {
        var domain = row.ToProto();
        unit.Emit("domain", change, row.Name, row.Name, domain);
        return domain;
    }
}
