using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Watching;

/// <summary>The one resource that a watch is about, or every one of its parent. It need not exist.</summary>
public sealed class Only
{
    readonly string name, prefix;

    Only(string name, string prefix) => (this.name, this.prefix) = (name, prefix);

    /// <param name="pattern">Of the resources' names: <c>projects/*/servers/*</c>.</param>
    /// <param name="name">The request's; empty: every one.</param>
    /// <param name="parent">The request's, which may be <c>projects/-</c>; empty where there is none.</param>
    /// <param name="violations">Gets one for a name of another form, or in another parent: nothing would ever be heard
    /// of it.</param>
    public static Only Of(string pattern, string name, string parent, Violations violations)
    {
        if (name.Length > 0 && ResourceName.Parse(pattern, name, "name", violations) is not null
            && parent is not ("" or "projects/-"))
            violations.Require(name.StartsWith(parent + "/", StringComparison.Ordinal), "name",
                $"must lie in {parent}, the parent that is watched, or be empty");
        // Whose events are whose project's, their rows say.
        return new(name, parent.Count(c => c == '/') > 1 ? parent + "/" : "");
    }

    public bool Has(EventRow row) => (name.Length == 0 || row.Resource == name)
        && row.Resource.StartsWith(prefix, StringComparison.Ordinal);

    /// <summary>In the order of names.</summary>
    public IQueryable<TRow> Of<TRow>(IQueryable<TRow> rows) where TRow : ResourceRow =>
        (name.Length == 0 ? rows : rows.Where(r => r.Name == name)).OrderBy(r => r.Name);
}
