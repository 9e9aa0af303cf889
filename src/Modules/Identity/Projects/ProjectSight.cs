using Monolith.Platform.Calls;

namespace Monolith.Identity.Projects;

/// <summary>Who sees a project: who has a role in it; who shows less than that, where what it shows says so.</summary>
/// <param name="names">Null: every one.</param>
internal sealed class ProjectSight(HashSet<string>? names)
{
    public static ProjectSight Of(Caller caller)
    {
        var scopes = caller.Grants.Where(g => !g.IsNarrow && (!caller.IsLimited || g.Permissions.Contains("identity.projects.get")))
            .Select(g => g.Scope).ToHashSet(StringComparer.Ordinal);
        return new(scopes.Contains("") ? null : scopes);
    }

    public IQueryable<ProjectRow> Of(IQueryable<ProjectRow> rows) =>
        names is null ? rows : rows.Where(p => names.Contains(p.Name));

    public bool Sees(string name) => names is null || names.Contains(name);
}
