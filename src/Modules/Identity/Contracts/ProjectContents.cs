using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Contracts;

/// <summary>What a project owns of one kind, all of it or what is so for one reason. Immutable.</summary>
/// <param name="Kind">The collection's word in resource names: <c>servers</c>, <c>keyPairs</c>.</param>
/// <param name="Some">The first few names, in order.</param>
public sealed record ProjectContent(string Kind, int Count, IReadOnlyList<string> Some)
{
    /// <summary>It goes, and that takes a while.</summary>
    public const string BeingDeleted = "BEING_DELETED";

    /// <summary>Why it cannot be removed now; empty: nothing is known that stands in the way.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Of that reason, for people.</summary>
    public string Message { get; init; } = "";

    /// <summary>It does not go by itself: somebody has to do what the message says.</summary>
    public bool Held { get; init; }
}

/// <summary>
/// Implemented by every module that keeps resources in projects, once or more: a project is deleted only when all of
/// them say that nothing is left, and purged by removing what they name.
/// </summary>
public interface IProjectContents
{
    /// <summary>What the project owns, one entry for each kind of which there is something. Sees whatever was committed
    /// before the project was closed (<see cref="IOpenProjects"/>).</summary>
    /// <param name="project">The project's id.</param>
    Task<IReadOnlyList<ProjectContent>> OfAsync(string project, CancellationToken cancel);

    IReadOnlyList<IProjectKind> Kinds { get; }
}

/// <summary>A kind of resources that lie in projects, and how to be rid of them. All of it may be asked again, and by
/// several hosts at once.</summary>
public interface IProjectKind
{
    string Kind { get; }

    /// <summary>What the project has of it, one entry for each reason why it is still there.</summary>
    Task<IReadOnlyList<ProjectContent>> LeftAsync(string project, CancellationToken cancel);

    /// <summary>Names of what can be asked to go now, in order: neither what goes already nor what is held.</summary>
    /// <param name="after">Names that come after this one; empty: from the beginning.</param>
    Task<IReadOnlyList<string>> NextAsync(string project, string after, int count, CancellationToken cancel);

    /// <summary>Begins to remove one, by the code that a user's deletion runs through.</summary>
    /// <exception cref="Fault">Why it cannot go now; NOT_FOUND: it is gone.</exception>
    Task DeleteAsync(string name, Call call, CancellationToken cancel);
}

/// <summary>Those that nobody is to ask to go, since it would come to nothing.</summary>
/// <param name="Reason"><see cref="ProjectContent.BeingDeleted"/>, or what a deletion would be refused with:
/// <c>DELETE_PROTECTED</c>.</param>
/// <param name="Message">For people: what to do.</param>
/// <param name="ByThemselves">They go by themselves, or with something else; else somebody has to do something.</param>
public sealed record Kept<TRow>(string Reason, string Message, Expression<Func<TRow, bool>> Rows, bool ByThemselves = false);

/// <summary>
/// A module's tables as contents of projects. They are counted by the module's writer: whatever it began before the
/// project was closed is committed by then and counted, and whatever it begins later is refused.
/// </summary>
/// <param name="services">Where what deletes is from; asked at the first deletion.</param>
public sealed class ProjectContents<TDb>(Store<TDb> store, IServiceProvider services) : IProjectContents where TDb : ModuleDb
{
    const int Named = 3;
    static readonly Call Self = Call.Of("identity/projects");

    readonly List<Func<TDb, string, CancellationToken, Task<ProjectContent>>> counts = [];
    readonly List<IProjectKind> kinds = [];

    public IReadOnlyList<IProjectKind> Kinds => kinds;

    /// <param name="delete">Calls the method that users delete one with.</param>
    /// <param name="kept">One counts for the first that is true of it.</param>
    public ProjectContents<TDb> Of<TRow, TService>(string kind, Func<TDb, IQueryable<TRow>> rows,
        Func<TService, string, InnerCall, Task> delete, params Kept<TRow>[] kept)
        where TRow : ResourceRow
    {
        counts.Add((db, project, cancel) => ContentAsync(kind, rows(db).Where(r => r.Project == project), cancel));
        var service = new Lazy<TService>(() => ActivatorUtilities.CreateInstance<TService>(services));
        kinds.Add(new ProjectKind<TRow>(kind, store, rows, kept,
            (name, call, cancel) => delete(service.Value, name, new InnerCall(call, cancel))));
        return this;
    }

    public Task<IReadOnlyList<ProjectContent>> OfAsync(string project, CancellationToken cancel) =>
        store.WriteAsync<IReadOnlyList<ProjectContent>>(Self, async unit =>
        {
            var found = new List<ProjectContent>();
            foreach (var count in counts)
                if (await count(unit.Db, project, cancel) is { Count: > 0 } content) found.Add(content);
            return found;
        }, cancel);

    static async Task<ProjectContent> ContentAsync<TRow>(string kind, IQueryable<TRow> rows, CancellationToken cancel)
        where TRow : ResourceRow
    {
        var count = await rows.CountAsync(cancel);
        return new(kind, count, count == 0
            ? []
            : await rows.OrderBy(r => r.Name).Select(r => r.Name).Take(Named).ToListAsync(cancel));
    }

    sealed class ProjectKind<TRow>(string kind, Store<TDb> store, Func<TDb, IQueryable<TRow>> rows,
        IReadOnlyList<Kept<TRow>> kept,
        Func<string, Call, CancellationToken, Task> delete) : IProjectKind where TRow : ResourceRow
    {
        public string Kind => kind;

        public Task<IReadOnlyList<ProjectContent>> LeftAsync(string project, CancellationToken cancel) =>
            store.ReadAsync<IReadOnlyList<ProjectContent>>(async db =>
            {
                var found = new List<ProjectContent>();
                var rest = rows(db).Where(r => r.Project == project);
                if (!await rest.AnyAsync(cancel)) return found;
                foreach (var (reason, message, those, byThemselves) in kept)
                {
                    found.Add(await ContentAsync(kind, rest.Where(those), cancel) with
                    {
                        Reason = reason,
                        Message = message,
                        Held = !byThemselves,
                    });
                    rest = rest.Where(Not(those));
                }
                found.Add(await ContentAsync(kind, rest, cancel));
                found.RemoveAll(c => c.Count == 0);
                return found;
            });

        public Task<IReadOnlyList<string>> NextAsync(string project, string after, int count, CancellationToken cancel) =>
            store.ReadAsync<IReadOnlyList<string>>(async db =>
            {
                var rest = rows(db).Where(r => r.Project == project && string.Compare(r.Name, after) > 0);
                foreach (var those in kept) rest = rest.Where(Not(those.Rows));
                return await rest.OrderBy(r => r.Name).Select(r => r.Name).Take(count).ToListAsync(cancel);
            });

        public Task DeleteAsync(string name, Call call, CancellationToken cancel) => delete(name, call, cancel);

        static Expression<Func<TRow, bool>> Not(Expression<Func<TRow, bool>> those) =>
            Expression.Lambda<Func<TRow, bool>>(Expression.Not(those.Body), those.Parameters);
    }
}
