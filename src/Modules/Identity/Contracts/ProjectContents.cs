using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Contracts;

/// <summary>What a project owns of one kind. Immutable.</summary>
/// <param name="Kind">The collection's word in resource names: <c>servers</c>, <c>keyPairs</c>.</param>
/// <param name="Some">The first few names, in order.</param>
public sealed record ProjectContent(string Kind, int Count, IReadOnlyList<string> Some);

/// <summary>
/// Implemented by every module that keeps resources in projects, once or more: a project is deleted only when all of
/// them say that nothing is left.
/// </summary>
public interface IProjectContents
{
    /// <summary>What the project owns, one entry for each kind of which there is something. Sees whatever was committed
    /// before the project was closed (<see cref="IOpenProjects"/>).</summary>
    /// <param name="project">The project's id.</param>
    Task<IReadOnlyList<ProjectContent>> OfAsync(string project, CancellationToken cancel);
}

/// <summary>
/// A module's tables as contents of projects. They are counted by the module's writer: whatever it began before the
/// project was closed is committed by then and counted, and whatever it begins later is refused.
/// </summary>
public sealed class ProjectContents<TDb>(Store<TDb> store) : IProjectContents where TDb : ModuleDb
{
    const int Named = 3;
    static readonly Call Self = Call.Of("identity/projects");

    readonly List<Func<TDb, string, CancellationToken, Task<ProjectContent>>> kinds = [];

    public ProjectContents<TDb> Of<TRow>(string kind, Func<TDb, IQueryable<TRow>> rows) where TRow : ResourceRow
    {
        kinds.Add(async (db, project, cancel) =>
        {
            var owned = rows(db).Where(r => r.Project == project);
            var count = await owned.CountAsync(cancel);
            return new(kind, count, count == 0
                ? []
                : await owned.OrderBy(r => r.Name).Select(r => r.Name).Take(Named).ToListAsync(cancel));
        });
        return this;
    }

    public Task<IReadOnlyList<ProjectContent>> OfAsync(string project, CancellationToken cancel) =>
        store.WriteAsync<IReadOnlyList<ProjectContent>>(Self, async unit =>
        {
            var found = new List<ProjectContent>();
            foreach (var kind in kinds)
                if (await kind(unit.Db, project, cancel) is { Count: > 0 } content) found.Add(content);
            return found;
        }, cancel);
}
