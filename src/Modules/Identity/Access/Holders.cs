using Monolith.Identity.Contracts;

namespace Monolith.Identity.Access;

/// <summary>Answers from the very snapshot that calls are decided by.</summary>
internal sealed class Holders(Registry registry) : IHolders
{
    public IReadOnlyList<Holder> Of(string permission, string project) =>
    [
        .. registry.Known.Users.Where(u => !u.Value.Disabled)
            .SelectMany(u => u.Value.Caller.Grants
                .Where(g => (g.Scope.Length == 0 || g.Scope == "projects/" + project) && g.Permissions.Contains(permission))
                .Select(g => new Holder(u.Key, g.Role, g.Scope)))
            .Distinct().OrderBy(h => h.Member, StringComparer.Ordinal).ThenBy(h => h.Role, StringComparer.Ordinal)
            .ThenBy(h => h.Scope, StringComparer.Ordinal),
    ];
}
