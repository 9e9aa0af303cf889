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

namespace Monolith.Identity.ServiceAccounts;

internal sealed class ServiceAccountService(Store<IdentityDb> store, Registry registry)
    : V1.ServiceAccountService.ServiceAccountServiceBase
{
    static readonly FilterFields<ServiceAccountRow> Filters = new FilterFields<ServiceAccountRow>()
        .Text("name", s => s.Name)
        .Text("display_name", s => s.DisplayName)
        .Flag("disabled", s => s.Disabled)
        .Labels(s => s.Labels);

    public override async Task<ServiceAccount> CreateServiceAccount(CreateServiceAccountRequest request, ServerCallContext context)
    {
        ServiceAccountRules.Check(request);
        var made = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = $"{request.Parent}/serviceAccounts/{request.ServiceAccountId}";
            // A project that is closed, or gone since the call was let in, gets nothing new.
            if (registry.RefusalOf(ResourceName.ProjectOf(name)!) is { } refusal) throw refusal;
            if (!await unit.Db.Projects.AnyAsync(p => p.Name == request.Parent)) throw Fault.NotFound(request.Parent);
            if (await unit.Db.ServiceAccounts.AnyAsync(s => s.Name == name)) throw Fault.AlreadyExists(name);
            var row = new ServiceAccountRow
            {
                Name = name,
                Project = ResourceName.ProjectOf(name)!,
                DisplayName = request.ServiceAccount?.DisplayName ?? "",
                Labels = Labels.Store(request.ServiceAccount?.Labels ?? []),
                Disabled = request.ServiceAccount?.Disabled ?? false,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.ServiceAccounts.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return made;
    }

    public override Task<ServiceAccount> GetServiceAccount(GetServiceAccountRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Members.ServiceAccounts, request.Name);
        return store.ReadAsync(async db =>
            (await db.ServiceAccounts.FirstOrDefaultAsync(s => s.Name == request.Name) ?? throw Fault.NotFound(request.Name)).ToProto());
    }

    public override async Task<ListServiceAccountsResponse> ListServiceAccounts(ListServiceAccountsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.ServiceAccounts).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListServiceAccountsResponse { ServiceAccounts = { rows.Select(s => s.ToProto()) }, NextPageToken = next };
    }

    public override async Task<ServiceAccount> UpdateServiceAccount(UpdateServiceAccountRequest request, ServerCallContext context)
    {
        var changed = ServiceAccountRules.Check(request);
        var wanted = request.ServiceAccount;
        var updated = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.ServiceAccounts.FirstOrDefaultAsync(s => s.Name == wanted.Name) ?? throw Fault.NotFound(wanted.Name);
            row.Touch(wanted.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = wanted.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(wanted.Labels);
            if (changed.Contains("disabled")) row.Disabled = wanted.Disabled;
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return updated;
    }

    public override async Task<Empty> DeleteServiceAccount(DeleteServiceAccountRequest request, ServerCallContext context)
    {
        ResourceName.Parse(Members.ServiceAccounts, request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.ServiceAccounts.FirstOrDefaultAsync(s => s.Name == request.Name) ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            await Members.ForgetAsync(unit, row.Name);
            unit.Db.ServiceAccounts.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    static ServiceAccount Emit(Unit<IdentityDb> unit, Change change, ServiceAccountRow row)
    {
        var account = row.ToProto();
        unit.Emit("serviceAccount", change, row.Name, row.Project, account);
        return account;
    }
}
