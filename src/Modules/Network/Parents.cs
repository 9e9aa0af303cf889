using Monolith.Platform.Calls;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Network;

/// <summary>Lists below a project, or below all that the caller may see.</summary>
internal static class Parents
{
    /// <summary>The project's id; <c>-</c> for all.</summary>
    public static string Parse(string parent) => ResourceName.Parse("projects/*", parent, "parent")[0];

    /// <summary>Rows of the project, or, for <c>-</c>, of each project in which the caller has the permission.</summary>
    public static IQueryable<TRow> In<TRow>(this IQueryable<TRow> rows, string project, Call call)
        where TRow : ResourceRow
    {
        if (project != "-") return rows.Where(r => r.Project == project);
        var projects = call.Caller.ProjectsWith(call.Permission);
        return projects is null ? rows : rows.Where(r => projects.Contains(r.Project));
    }

    /// <summary>As <see cref="In"/>, for one row.</summary>
    public static Func<string, bool> Visible(string project, Call call)
    {
        if (project != "-") return p => p == project;
        var projects = call.Caller.ProjectsWith(call.Permission)?.ToHashSet(StringComparer.Ordinal);
        return p => projects is null || projects.Contains(p);
    }
}
