using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.Contracts;
using Monolith.Identity.Users;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.RoleBindings;

internal sealed class RoleBindingService(Store<IdentityDb> store, Registry registry, ResourceFacts facts)
    : V1.RoleBindingService.RoleBindingServiceBase
{
    static readonly FilterFields<RoleBindingRow> Filters = new FilterFields<RoleBindingRow>()
        .Text("role", b => b.Role)
        .Text("member", b => b.Member)
        .Text("scope", b => b.Scope);

    public override async Task<RoleBinding> CreateRoleBinding(CreateRoleBindingRequest request,
        ServerCallContext context)
    {
        var call = context.GetCall();
        var role = await store.ReadAsync(db => RoleRow.FindAsync(db, request.RoleBinding?.Role ?? ""));
        RoleBindingRules.Check(request, role, facts.Collections);
        var wanted = request.RoleBinding!;
        RoleBindingRules.CheckAllowed(call, wanted.Scope, null);
        RoleBindingRules.CheckGiver(call.Caller, wanted, role!);
        var resource = facts.OwnerOf(wanted.Scope) is null ? Guid.Empty
            : (await facts.OfAsync(wanted.Scope) ?? throw Fault.NotFound(wanted.Scope)).Uid;
        var labels = Labels.Store(wanted.ResourceLabels);
        var project = ResourceName.ProjectOf(wanted.Scope);
        var made = await store.MutateAsync(call, request, async unit =>
        {
            if (project is not null && !await unit.Db.Projects.AnyAsync(p => p.Project == project)
                || Roles.IsDomain(wanted.Scope) && !await unit.Db.Domains.AnyAsync(d => d.Name == wanted.Scope))
                throw Fault.NotFound(wanted.Scope);
            if (Members.IsGroup(wanted.Member)
                ? !await unit.Db.Groups.AnyAsync(g => g.Name == wanted.Member)
                : (await Members.AbsentAsync(unit.Db, call.Caller, [wanted.Member])).Count > 0)
                throw Fault.Invalid("role_binding.member", $"{wanted.Member} does not exist");
            if (await unit.Db.RoleBindings.FirstOrDefaultAsync(b => b.Role == wanted.Role && b.Scope == wanted.Scope
                && b.Member == wanted.Member && b.ScopeUid == resource && b.ResourceLabels == labels) is { } there)
                throw Fault.AlreadyExists($"{there.Name} ({wanted.Role} for {wanted.Member})");
            // As it is now: it may have got more, or be gone.
            var now = await RoleRow.FindAsync(unit.Db, wanted.Role)
                ?? throw Fault.Invalid("role_binding.role", $"{wanted.Role} does not exist");
            RoleBindingRules.CheckGiver(call.Caller, wanted, now);
            var row = RoleBindingRow.Of(wanted.Role, wanted.Member, wanted.Scope, unit.Now, resource, labels);
            unit.Db.RoleBindings.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return made;
    }

    public override async Task<RoleBinding> GetRoleBinding(GetRoleBindingRequest request, ServerCallContext context)
    {
        ResourceName.Parse("roleBindings/*", request.Name);
        var row = await store.ReadAsync(db => db.RoleBindings.FirstOrDefaultAsync(b => b.Name == request.Name))
            ?? throw Fault.NotFound(request.Name);
        RoleBindingRules.CheckAllowed(context.GetCall(), row.Scope, row.Name);
        return row.ToProto();
    }

    public override async Task<ListRoleBindingsResponse> ListRoleBindings(ListRoleBindingsRequest request,
        ServerCallContext context)
    {
        var call = context.GetCall();
        var list = ListQuery.Of(request, call, Filters);
        var projects = call.Caller.ProjectsWith(call.Permission);
        var found = await store.ReadAsync(db => list.Of(db.RoleBindings
            .Where(b => projects == null || projects.Contains(b.Project))).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListRoleBindingsResponse { RoleBindings = { rows.Select(b => b.ToProto()) }, NextPageToken = next };
    }

    public override async Task<Empty> DeleteRoleBinding(DeleteRoleBindingRequest request, ServerCallContext context)
    {
        ResourceName.Parse("roleBindings/*", request.Name);
        var call = context.GetCall();
        var answer = await store.MutateAsync(call, request, async unit =>
        {
            var row = await unit.Db.RoleBindings.FirstOrDefaultAsync(b => b.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            RoleBindingRules.CheckAllowed(call, row.Scope, row.Name);
            if (row.Role == Roles.Admin)
                await UserRules.CheckAdministratorLeftAsync(unit.Db, row.Name, null, row.Name);
            unit.Db.RoleBindings.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    internal static RoleBinding Emit(Unit<IdentityDb> unit, Change change, RoleBindingRow row)
    {
        var binding = row.ToProto();
        unit.Emit("roleBinding", change, row.Name, row.Project, binding);
        return binding;
    }
}
