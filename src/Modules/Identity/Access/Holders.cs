using Monolith.Identity.Contracts;
using Monolith.Platform.Names;

namespace Monolith.Identity.Access;

/// <summary>Answers from the very snapshot that calls are decided by.</summary>
internal sealed class Holders(Registry registry, ResourceFacts facts) : IHolders
{
    public async Task<IReadOnlyList<Holder>> OfAsync(string permission, string resource)
    {
        var project = "projects/" + ResourceName.ProjectOf(resource);
        var fact = facts.OwnerOf(resource) == resource ? await facts.OfAsync(resource) : null;
        var found = new HashSet<Holder>();
        foreach (var (name, user) in registry.Known.Users.Where(u => !u.Value.Disabled))
            foreach (var grant in user.Caller.Grants
                .Where(g => !g.IsNarrow && (g.Scope.Length == 0 || g.Scope == project) && g.Permissions.Contains(permission))
                .Concat(fact is null ? [] : ResourceFacts.Giving(user.Caller, permission, resource, fact)))
                found.Add(new(name, grant.Role, grant.From.Length > 0 ? grant.From : grant.Scope));
        return [.. found.OrderBy(h => h.Member, StringComparer.Ordinal).ThenBy(h => h.Role, StringComparer.Ordinal).ThenBy(h => h.Scope, StringComparer.Ordinal)];
    }
}
