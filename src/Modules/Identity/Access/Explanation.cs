using Monolith.Identity.V1;
using Monolith.Platform.Calls;

namespace Monolith.Identity.Access;

/// <summary>Why somebody may do a thing, or who can let them. Pure.</summary>
internal static class Explanation
{
    const int MostGivers = 10;
    const string Bind = "identity.roleBindings.create";

    /// <param name="member">Of whom it is asked.</param>
    /// <param name="project">The project's id, or null for the cloud.</param>
    /// <param name="narrow">What gives it for the one resource alone that was asked about.</param>
    /// <param name="asker">Who is told of others no more than of who they know by a common scope.</param>
    public static ExplainAccessResponse Of(Known known, Caller member, bool isDisabled, string permission, string? project,
        IReadOnlyList<CallerGrant> narrow, Caller asker)
    {
        var where = project is null ? "the cloud" : Platform.Names.ResourceName.ScopeName(project);
        var giving = member.Grants.Where(g => !g.IsNarrow && (g.Scope.Length == 0 || g.Scope == where) && g.Permissions.Contains(permission)).Concat(narrow).ToList();
        var answer = new ExplainAccessResponse
        {
            Allowed = giving.Count > 0 && !isDisabled,
            Grants = { giving.Select(ToProto) },
        };
        if (answer.Allowed)
        {
            var by = giving.Select(g => $"{g.Role} on {(g.From.Length > 0 ? g.From : g.Scope.Length == 0 ? "the cloud" : g.Scope)}"
                + (g.Labels.Count == 0 ? "" : $" for what has {string.Join(" and ", g.Labels.Select(l => $"{l.Key}={l.Value}").Order(StringComparer.Ordinal))}")
                + (g.Group.Length == 0 ? "" : $" as one of {g.Group}"));
            answer.Message = $"{member.Name} may {permission} on {(narrow.Count == giving.Count ? "this" : where)}, by {string.Join(" and ", by)}.";
            return answer;
        }
        if (giving.Count > 0)
        {
            answer.Message = $"{member.Name} would have {permission} on {where}, but is disabled: an administrator of the cloud can enable it.";
            return answer;
        }
        var roles = RolesWith(known, permission, project).ToList();
        answer.Roles.AddRange(roles.Select(r => r.Name));
        if (answer.Roles.Count == 0)
        {
            answer.Message = $"{member.Name} lacks {permission} on {where}, and no role that can be bound there gives it"
                + (project is null ? ": nodes have it by their certificates." : ": it is of the cloud, and not of a project.");
            return answer;
        }
        answer.Givers.AddRange(known.Users.Where(u => !u.Value.Disabled && u.Key != member.Name && MayBeNamed(u.Value.Caller, project, asker)
                && u.Value.Caller.May(Bind, project) && Roles.Missing(roles[0], u.Value.Caller, project).Count == 0)
            .Select(u => u.Key).Order(StringComparer.Ordinal).Take(MostGivers));
        var givers = answer.Givers.Count > 0 ? string.Join(", ", answer.Givers) : "an administrator of the cloud";
        answer.Message = $"{member.Name} lacks {permission} on {where}. {string.Join(" or ", answer.Roles)} would give it; {givers} can bind it: "
            + $"monolith role-binding create --role {Id(answer.Roles[0])} --member {Short(member.Name)} --scope {project ?? "cloud"}";
        return answer;
    }

    /// <summary>The user may; what was shown is good for less.</summary>
    public static ExplainAccessResponse OfToken(Caller caller, string permission) => new()
    {
        Message = $"{caller.Name} may {permission} there, but {caller.Credential}, which was shown, is limited to less. Show another, or make one "
            + $"that is good for it: monolith token create --permission {permission}",
    };

    public static Grant ToProto(CallerGrant grant) => new()
    {
        Role = grant.Role,
        Scope = grant.From.Length > 0 ? grant.From : grant.Scope,
        Group = grant.Group,
        ResourceLabels = { grant.Labels.ToDictionary() },
    };

    static string Id(string name) => Platform.Names.ResourceName.LastId(name);

    // As the command takes it.
    static string Short(string member) => Platform.Names.ResourceName.ProjectOf(member) is { } project ? $"sa:{project}/{Id(member)}" : Id(member);

    static IEnumerable<Role> RolesWith(Known known, string permission, string? project)
    {
        var scope = project is null ? RoleScope.Cloud : Roles.ScopeOf(Platform.Names.ResourceName.ScopeName(project));
        return Roles.Bindable.Select(r => Roles.Find(r)!).Concat(known.OwnRoles.Values)
            .Select(r => (Role: r, Given: Roles.On(scope, r))).Where(r => r.Given.Contains(permission))
            .OrderBy(r => r.Given.Count).ThenBy(r => r.Role.Name, StringComparer.Ordinal).Select(r => r.Role);
    }

    /// <summary>Who has a role on the cloud knows all; who is in a project knows who has a role there.</summary>
    static bool MayBeNamed(Caller giver, string? project, Caller asker) => asker.Grants.Any(g => g.Scope.Length == 0)
        || (project is not null && giver.Grants.Any(g => g.Project == project));
}
