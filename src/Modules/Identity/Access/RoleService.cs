using Grpc.Core;
using Monolith.Identity.RoleBindings;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;

namespace Monolith.Identity.Access;

/// <summary>What roles hold, and who may do what: from the very snapshot that calls are decided by.</summary>
internal sealed class RoleService(Registry registry) : V1.RoleService.RoleServiceBase
{
    const int MostPermissions = 100;
    const string SeeBindings = "identity.roleBindings.list";

    public override Task<V1.Role> GetRole(GetRoleRequest request, ServerCallContext context)
    {
        ResourceName.Parse("roles/*", request.Name);
        return Roles.Find(request.Name) is { Scope: not RoleScope.None } role
            ? Task.FromResult(ToProto(role))
            : throw Fault.NotFound(request.Name);
    }

    public override Task<ListRolesResponse> ListRoles(ListRolesRequest request, ServerCallContext context)
    {
        var page = ListQuery.Of<RoleBindingRow>(request, context.GetCall(), null).Page;
        var roles = Roles.Bindable.Where(r => string.CompareOrdinal(r, page.After) > 0).Order(StringComparer.Ordinal);
        var (found, next) = page.Cut([.. roles.Take(page.Size + 1).Select(r => ToProto(Roles.Find(r)!))], r => r.Name);
        return Task.FromResult(new ListRolesResponse { Roles = { found }, NextPageToken = next });
    }

    public override Task<TestPermissionsResponse> TestPermissions(TestPermissionsRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.Require(request.Permissions.Count is >= 1 and <= MostPermissions, "permissions", $"must be 1 to {MostPermissions}");
        for (var i = 0; i < Math.Min(request.Permissions.Count, MostPermissions); i++)
            Check(request.Permissions[i], $"permissions[{i}]", violations);
        violations.ThrowIfAny();
        var caller = context.GetCall().Caller;
        var project = ResourceName.ProjectOf(request.Resource);
        return Task.FromResult(new TestPermissionsResponse
        {
            Permissions = { request.Permissions.Select(p => new TestedPermission { Permission = p, Held = caller.May(p, project) }) },
        });
    }

    public override Task<ExplainAccessResponse> ExplainAccess(ExplainAccessRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        if (request.Member.Length > 0) ResourceName.Parse("users/*", request.Member, "member", violations);
        Check(request.Permission, "permission", violations);
        violations.ThrowIfAny();
        var (caller, known) = (context.GetCall().Caller, registry.Known);
        var project = ResourceName.ProjectOf(request.Resource);
        if (project is not null && !(caller.Knows(project) && registry.Exists(project))) throw Fault.NotFound(request.Resource);
        var member = request.Member.Length > 0 ? request.Member : caller.Name;
        if (member != caller.Name && !caller.May(SeeBindings, project))
            throw Fault.Denied(SeeBindings, project is null ? "the cloud" : "projects/" + project, caller.Name);
        if (member == caller.Name) return Task.FromResult(Explanation.Of(known, caller, isDisabled: false, request.Permission, project, caller));
        if (!known.Users.TryGetValue(member, out var user)) throw Fault.NotFound(member);
        return Task.FromResult(Explanation.Of(known, user.Caller, user.Disabled, request.Permission, project, caller));
    }

    static void Check(string permission, string field, Violations violations) => violations.Require(Roles.IsPermission(permission), field,
        $"'{permission}' is no permission: no method asks for it. {Roles.Admin} and {Roles.ProjectAdmin} show what there is");

    static V1.Role ToProto(Role role) => new()
    {
        Name = role.Name,
        Description = role.For,
        CloudPermissions = { Roles.On(RoleScope.Cloud, role) },
        ProjectPermissions = { Roles.On(RoleScope.Project, role) },
    };
}
