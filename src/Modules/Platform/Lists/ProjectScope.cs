using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Lists;

/// <summary>The projects that a list is about: one, or with <c>projects/-</c> (AIP-159) all that the caller may see.</summary>
public sealed class ProjectScope
{
    readonly IReadOnlyList<string>? projects;

    ProjectScope(IReadOnlyList<string>? projects) => this.projects = projects;

    /// <exception cref="Fault">INVALID_ARGUMENT for a parent of another form.</exception>
    public static ProjectScope Of(string parent, Call call)
    {
        var id = Names.ResourceName.Parse("projects/*", parent, "parent")[0];
        return new(id == "-" ? call.Caller.ProjectsWith(call.Permission) : [id]);
    }

    public bool Has(string project) => projects is null || projects.Contains(project);

    public IQueryable<TRow> Of<TRow>(IQueryable<TRow> rows) where TRow : ResourceRow
    {
        if (projects is null) return rows;
        if (projects.Count != 1) return rows.Where(r => projects.Contains(r.Project));
        var only = projects[0];
        return rows.Where(r => r.Project == only);
    }
}
