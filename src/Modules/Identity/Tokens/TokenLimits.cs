using Monolith.Identity.Access;
using Monolith.Platform.Calls;

namespace Monolith.Identity.Tokens;

/// <summary>What a token is good for, of what its user may. Pure, but that it remembers the last answer.</summary>
/// <param name="permissions">Empty: all.</param>
/// <param name="scope"><c>projects/{project}</c>; empty: everywhere.</param>
internal sealed class TokenLimits(IReadOnlyList<string> permissions, string scope)
{
    // Of a user that has not changed since, which is nearly always.
    volatile Answer? last;

    sealed record Answer(Caller Of, Caller Is);

    public Caller Of(Caller user)
    {
        if (last is { } before && ReferenceEquals(before.Of, user)) return before.Is;
        var limited = new Caller(user.Name, [.. user.Grants.Select(Left).OfType<CallerGrant>()]) { IsLimited = true };
        last = new(user, limited);
        return limited;
    }

    /// <returns>Null: nothing is left of it.</returns>
    CallerGrant? Left(CallerGrant grant)
    {
        if (scope.Length > 0 && grant.Scope.Length > 0 && "projects/" + grant.Project != scope) return null;
        // What is the cloud's ends at a project's border.
        var (where, held) = scope.Length > 0 && grant.Scope.Length == 0
            ? (scope, Roles.WithinProject(grant.Permissions))
            : (grant.Scope, grant.Permissions);
        if (permissions.Count == 0) return grant with { Scope = where, Permissions = held };
        var left = permissions.Where(held.Contains).ToList();
        return left.Count == 0 ? null : grant with { Scope = where, Permissions = new PermissionSet(left, []) };
    }
}
