using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Role = Monolith.Identity.Access.Role;

namespace Monolith.Identity.RoleBindings;

internal static class RoleBindingRules
{
    /// <param name="role">The one that is to be bound; null: there is none of that name.</param>
    /// <param name="collections">Of whose resources it can be bound on a single one.</param>
    public static void Check(CreateRoleBindingRequest request, Role? role, IEnumerable<string> collections)
    {
        var violations = new Violations();
        if (!violations.Require(request.RoleBinding is not null, "role_binding", "is required"))
            violations.ThrowIfAny();
        var binding = request.RoleBinding!;
        if (!Members.IsGroup(binding.Member) || ResourceName.Match(Members.Groups, binding.Member) is null)
            violations.Require(Members.IsOne(binding.Member), "role_binding.member", Members.Expected(binding.Member) + $", or {Members.Groups}");
        var where = Roles.ScopeOf(binding.Scope);
        if (where == RoleScope.Domain) ResourceName.Parse("domains/*", binding.Scope, "role_binding.scope", violations);
        if (where == RoleScope.Project)
            violations.Require(IsProject(binding.Scope) || collections.Any(c => ResourceName.Match($"projects/*/{c}/*", binding.Scope) is not null),
                "role_binding.scope", $"{ResourceName.Expected("projects/*", binding.Scope)}; or, of a single resource, projects/*/COLLECTION/*, with one of {string.Join(", ", collections)}");
        violations.Labels("role_binding.resource_labels", binding.ResourceLabels);
        violations.Require(binding.ResourceLabels.Count == 0 || IsProject(binding.Scope), "role_binding.resource_labels",
            "are looked for on the resources of a project: the scope must be one");
        if (violations.Require(role is not null, "role_binding.role",
            $"must be one of {string.Join(", ", Roles.Bindable)}, or of the cloud's own that ListRoles shows"))
            violations.Require(role!.Scope.HasFlag(where), "role_binding.role", where switch
            {
                RoleScope.Project when role.Scope.HasFlag(RoleScope.Domain) => $"{role.Name} is a role on a domain: say which in the scope",
                RoleScope.Project => $"{role.Name} is a role on the cloud, and gives nothing on a project: leave the scope empty, or bind roles/projectAdmin",
                RoleScope.Domain => $"{role.Name} is a role on the cloud, and gives nothing on a domain: leave the scope empty, or bind roles/domainAdmin",
                _ when role.Scope.HasFlag(RoleScope.Project) => $"{role.Name} is a role on a project: say which in the scope",
                _ => $"{role.Name} is a role on a domain: say which in the scope",
            });
        violations.ThrowIfAny();
    }

    /// <summary>The permission on the binding's scope, which the request's names do not tell.</summary>
    /// <param name="binding">The name of a binding that exists; null for one that is to be made.</param>
    /// <exception cref="Fault">NOT_FOUND for what the caller may not know of, else PERMISSION_DENIED.</exception>
    public static void CheckAllowed(Call call, string scope, string? binding)
    {
        var project = ProjectOf(scope);
        if (call.Caller.May(call.Permission, project)) return;
        var knows = project is not null
            ? call.Caller.Knows(project)
            : binding is null || call.Caller.Grants.Any(g => g.Scope.Length == 0);
        throw knows
            ? Fault.Denied(call.Permission, scope.Length == 0 ? "the cloud" : scope, call.Caller.Name)
            : Fault.NotFound(binding ?? scope);
    }

    /// <summary>Nobody gives what they do not have; otherwise the right to bind would be the right to everything.</summary>
    /// <exception cref="Fault">PERMISSION_DENIED that names what is missing.</exception>
    public static void CheckGiver(Caller giver, RoleBinding binding, Role role)
    {
        var missing = Roles.Missing(role, giver, ProjectOf(binding.Scope));
        if (missing.Count == 0) return;
        var scope = binding.Scope.Length == 0 ? "the cloud" : binding.Scope;
        throw new Fault(Grpc.Core.StatusCode.PermissionDenied, "GIVES_MORE_THAN_HELD",
            $"{giver.Name} lacks on {scope} what {binding.Role} holds: {string.Join(", ", missing.Take(10))}"
            + (missing.Count > 10 ? $" and {missing.Count - 10} more" : "") + ". Somebody who has these can bind it.")
        {
            Metadata = new Dictionary<string, string>
            {
                ["role"] = binding.Role,
                ["scope"] = binding.Scope,
                ["missing"] = string.Join(",", missing),
            },
        };
    }

    public static bool IsProject(string scope) => ResourceName.Match("projects/*", scope) is not null;

    static string? ProjectOf(string scope) => ResourceName.ScopeOf(scope);
}
