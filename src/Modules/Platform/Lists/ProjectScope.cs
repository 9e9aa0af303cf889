using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Lists;

/// <summary>The projects that a list is about: one, or with <c>projects/-</c> (AIP-159) all that the caller may see.</summary>
public sealed class ProjectScope
{
    ProjectScope(IReadOnlyList<string>? projects) => Projects = projects;

    /// <summary>Rows of every project and of none.</summary>
    public static ProjectScope Everything { get; } = new(null);

    /// <summary>Null: everything.</summary>
    public IReadOnlyList<string>? Projects { get; }

    /// <param name="violations">Gets one for a parent of another form.</param>
    public static ProjectScope Of(string parent, Call call, Violations violations)
    {
        if (ResourceName.Parse("projects/*", parent, "parent", violations) is not [var id]) return new([]);
        return new(id == "-" ? call.Caller.ProjectsWith(call.Permission) : [id]);
    }

    public bool Has(string project) => Projects is null || Projects.Contains(project);

    public IQueryable<TRow> Of<TRow>(IQueryable<TRow> rows) where TRow : ResourceRow
    {
        if (Projects is not { } projects) return rows;
        if (projects.Count != 1) return rows.Where(r => projects.Contains(r.Project));
        var only = projects[0];
        return rows.Where(r => r.Project == only);
    }
}
