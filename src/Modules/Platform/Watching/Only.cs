using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Platform.Watching;

/// <summary>The one resource that a watch is about, or every one of its parent. It need not exist.</summary>
public sealed class Only
{
    readonly string name;

    Only(string name) => this.name = name;

    /// <param name="pattern">Of the resources' names: <c>projects/*/servers/*</c>.</param>
    /// <param name="name">The request's; empty: every one.</param>
    /// <param name="parent">The request's, which may be <c>projects/-</c>; empty where there is none.</param>
    /// <exception cref="Fault">INVALID_ARGUMENT for a name of another form, or in another parent: nothing would ever be
    /// heard of it.</exception>
    public static Only Of(string pattern, string name, string parent = "")
    {
        if (name.Length == 0) return new("");
        ResourceName.Parse(pattern, name);
        if (parent is not ("" or "projects/-") && !name.StartsWith(parent + "/", StringComparison.Ordinal))
            throw Fault.Invalid("name", $"must lie in {parent}, the parent that is watched, or be empty");
        return new(name);
    }

    public bool Has(EventRow row) => name.Length == 0 || row.Resource == name;

    /// <summary>In the order of names.</summary>
    public IQueryable<TRow> Of<TRow>(IQueryable<TRow> rows) where TRow : ResourceRow =>
        (name.Length == 0 ? rows : rows.Where(r => r.Name == name)).OrderBy(r => r.Name);
}
