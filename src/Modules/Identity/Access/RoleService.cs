using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Contracts;
using Monolith.Identity.RoleBindings;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Access;

/// <summary>Roles; and who may do what, from the very snapshot that calls are decided by.</summary>
internal sealed class RoleService(Store<IdentityDb> store, Registry registry, ResourceFacts facts) : V1.RoleService.RoleServiceBase
{
    const int MostPermissions = 100, MostNamed = 5;
    const string SeeBindings = "identity.roleBindings.list";

    public override async Task<V1.Role> CreateRole(CreateRoleRequest request, ServerCallContext context)
    {
        RoleRules.Check(request);
        var made = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = "roles/" + request.RoleId;
            if (Roles.Find(name) is not null || await unit.Db.Roles.AnyAsync(r => r.Name == name)) throw Fault.AlreadyExists(name);
            if (await unit.Db.Roles.CountAsync() >= RoleRules.Most)
                throw Fault.Exhausted("TOO_MANY_ROLES", $"There are {RoleRules.Most} roles beside the built-in ones, which is all that there can be.");
            var row = new RoleRow
            {
                Name = name,
                Description = request.Role.Description,
                Permissions = RoleRow.Store(request.Role.Permissions),
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.Roles.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return made;
    }

    public override async Task<V1.Role> GetRole(GetRoleRequest request, ServerCallContext context)
    {
        ResourceName.Parse("roles/*", request.Name);
        if (Roles.Find(request.Name) is { Scope: not RoleScope.None } role) return ToProto(role, isBuiltIn: true);
        return (await store.ReadAsync(db => db.Roles.FirstOrDefaultAsync(r => r.Name == request.Name)) ?? throw Fault.NotFound(request.Name))
            .ToProto();
    }

    public override async Task<ListRolesResponse> ListRoles(ListRolesRequest request, ServerCallContext context)
    {
        var page = ListQuery.Of<RoleBindingRow>(request, context.GetCall(), null).Page;
        var all = Roles.Bindable.Select(r => ToProto(Roles.Find(r)!, isBuiltIn: true))
            .Concat((await store.ReadAsync(db => db.Roles.ToListAsync())).Select(r => r.ToProto()))
            .Where(r => string.CompareOrdinal(r.Name, page.After) > 0).OrderBy(r => r.Name, StringComparer.Ordinal);
        var (found, next) = page.Cut([.. all.Take(page.Size + 1)], r => r.Name);
        return new ListRolesResponse { Roles = { found }, NextPageToken = next };
    }

    public override async Task<V1.Role> UpdateRole(UpdateRoleRequest request, ServerCallContext context)
    {
        var changed = RoleRules.Check(request);
        var call = context.GetCall();
        var updated = await store.MutateAsync(call, request, async unit =>
        {
            var row = await unit.Db.Roles.FirstOrDefaultAsync(r => r.Name == request.Role.Name) ?? throw Fault.NotFound(request.Role.Name);
            row.Touch(request.Role.Etag, unit.Now);
            var before = row.ToRole();
            if (changed.Contains("description")) row.Description = request.Role.Description;
            if (changed.Contains("permissions")) row.Permissions = RoleRow.Store(request.Role.Permissions);
            RoleRules.CheckAdded(call.Caller, before, row.ToRole());
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return updated;
    }

    public override async Task<Empty> DeleteRole(DeleteRoleRequest request, ServerCallContext context)
    {
        ResourceName.Parse("roles/*", request.Name);
        if (Roles.Find(request.Name) is not null) throw RoleRules.BuiltIn(request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Roles.FirstOrDefaultAsync(r => r.Name == request.Name) ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            var bound = await unit.Db.RoleBindings.Where(b => b.Role == row.Name).OrderBy(b => b.Name).Take(MostNamed).ToListAsync();
            if (bound.Count > 0)
                throw Fault.Precondition("ROLE_IN_USE", row.Name,
                    $"{row.Name} is bound: {string.Join(", ", bound.Select(b => $"{b.Name} to {b.Member}"))}. Delete its bindings first.");
            unit.Db.Roles.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    public override async Task<TestPermissionsResponse> TestPermissions(TestPermissionsRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Permissions.Count is >= 1 and <= MostPermissions, "permissions", $"must be 1 to {MostPermissions}");
        for (var i = 0; i < Math.Min(request.Permissions.Count, MostPermissions); i++)
            Check(request.Permissions[i], $"permissions[{i}]", violations);
        violations.ThrowIfAny();
        var caller = context.GetCall().Caller;
        var project = ResourceName.ScopeOf(request.Resource);
        var answer = new TestPermissionsResponse();
        foreach (var permission in request.Permissions)
            answer.Permissions.Add(new TestedPermission
            {
                Permission = permission,
                Held = caller.May(permission, project) || await facts.GivingAsync(caller, permission, request.Resource) is { Count: > 0 },
            });
        return answer;
    }

    public override async Task<ExplainAccessResponse> ExplainAccess(ExplainAccessRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        if (request.Member.Length > 0) violations.Require(Members.IsOne(request.Member), "member", Members.Expected(request.Member));
        Check(request.Permission, "permission", violations);
        violations.ThrowIfAny();
        var (caller, known) = (context.GetCall().Caller, registry.Known);
        var project = ResourceName.ScopeOf(request.Resource);
        if (project is not null && !(caller.Knows(project) && (registry.Exists(project) || known.Domains.Contains(project)))) throw Fault.NotFound(request.Resource);
        var member = request.Member.Length > 0 ? request.Member : caller.Name;
        if (member != caller.Name && !caller.May(SeeBindings, project))
            throw Fault.Denied(SeeBindings, project is null ? "the cloud" : ResourceName.ScopeName(project), caller.Name);
        if (member == caller.Name)
        {
            var limited = caller.IsLimited && known.Users.GetValueOrDefault(member)?.Caller is { } whole && whole.May(request.Permission, project);
            return !limited || caller.May(request.Permission, project)
                ? Explanation.Of(known, caller, isDisabled: false, request.Permission, project,
                    await facts.GivingAsync(caller, request.Permission, request.Resource), caller)
                : Explanation.OfToken(caller, request.Permission);
        }
        if (!known.Users.TryGetValue(member, out var user) || !Members.MayBeKnownTo(caller, member)) throw Fault.NotFound(member);
        return Explanation.Of(known, user.Caller, user.Disabled, request.Permission, project,
            await facts.GivingAsync(user.Caller, request.Permission, request.Resource), caller);
    }

    static void Check(string permission, string field, Violations violations) => violations.Require(Roles.IsPermission(permission), field,
        $"'{permission}' is no permission: no method asks for it. {Roles.Admin} and {Roles.ProjectAdmin} show what there is");

    internal static V1.Role ToProto(Role role, bool isBuiltIn)
    {
        var (cloud, domain, project) = (Roles.On(RoleScope.Cloud, role), Roles.On(RoleScope.Domain, role), Roles.On(RoleScope.Project, role));
        return new()
        {
            Name = role.Name,
            Description = role.For,
            CloudPermissions = { cloud },
            DomainPermissions = { domain },
            ProjectPermissions = { project },
            Permissions = { cloud.Count > 0 ? cloud : domain.Count > 0 ? domain : project },
            BuiltIn = isBuiltIn,
        };
    }

    static V1.Role Emit(Unit<IdentityDb> unit, Change change, RoleRow row)
    {
        var role = row.ToProto();
        unit.Emit("role", change, row.Name, "", role);
        return role;
    }
}
