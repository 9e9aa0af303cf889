using Monolith.Identity.Contracts;

namespace Monolith.Identity.Projects.Purging;

/// <summary>What projects own, in every module.</summary>
internal sealed class Holdings(IEnumerable<IProjectContents> contents)
{
    readonly IProjectContents[] modules = [.. contents];

    /// <summary>In no order that matters: what cannot go before something else is refused until that is gone.</summary>
    public IReadOnlyList<IProjectKind> Kinds { get; } = [.. contents.SelectMany(m => m.Kinds)];

    /// <summary>By kind and reason; for people, and no proof that nothing is left.</summary>
    public async Task<List<ProjectContent>> LeftAsync(string project, CancellationToken cancel)
    {
        var left = new List<ProjectContent>();
        foreach (var kind in Kinds) left.AddRange(await kind.LeftAsync(project, cancel));
        return left;
    }

    /// <summary>Asks every module's writer: of a project that is closed, its answer stays true.</summary>
    public async Task<bool> AnyAsync(string project, CancellationToken cancel)
    {
        foreach (var module in modules)
            if ((await module.OfAsync(project, cancel)).Count > 0) return true;
        return false;
    }
}
