using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Platform.Calls;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Contracts;

/// <summary>What access to a single resource can hang on. Immutable.</summary>
/// <param name="Uid">A later one of the same name is another.</param>
/// <param name="Labels">As <see cref="Platform.Names.Labels"/> stores them.</param>
public sealed record ResourceFact(Guid Uid, string Labels);

/// <summary>Implemented, by <see cref="ResourceFactsExtensions.AddFacts"/>, by every module that keeps resources in projects.</summary>
public interface IResourceFacts
{
    /// <summary><c>servers</c>, <c>keyPairs</c>; no other module has the same.</summary>
    IReadOnlyCollection<string> Collections { get; }

    /// <param name="name"><c>projects/{project}/{collection}/{id}</c></param>
    /// <returns>Null: there is none.</returns>
    Task<ResourceFact?> OfAsync(string name);
}

/// <summary>A module's tables, by the collection's word in resource names.</summary>
public sealed class FactTables<TDb> where TDb : ModuleDb
{
    internal Dictionary<string, Func<TDb, string, Task<ResourceFact?>>> Tables { get; } = new(StringComparer.Ordinal);

    public FactTables<TDb> Of<TRow>(string collection, Func<TDb, IQueryable<TRow>> rows) where TRow : ResourceRow
    {
        Tables.Add(collection, (db, name) => rows(db).Where(r => r.Name == name).Select(r => new ResourceFact(r.Uid, r.Labels)).FirstOrDefaultAsync());
        return this;
    }
}

/// <summary>Every module's resources.</summary>
public sealed class ResourceFacts(IEnumerable<IResourceFacts> modules)
{
    readonly Dictionary<string, IResourceFacts> byCollection = modules.SelectMany(m => m.Collections.Select(c => (c, m)))
        .ToDictionary(p => p.c, p => p.m, StringComparer.Ordinal);

    public IEnumerable<string> Collections => byCollection.Keys.Order(StringComparer.Ordinal);

    /// <summary>The resource of a project that a name is of, or lies in: of <c>projects/p/zones/z/recordSets/r</c> the zone. Null: of
    /// none that access can hang on.</summary>
    public string? OwnerOf(string name) => name.Split('/') is ["projects", { Length: > 0 } project, var collection, { Length: > 0 } id, ..]
        && byCollection.ContainsKey(collection) ? $"projects/{project}/{collection}/{id}" : null;

    /// <param name="resource">As <see cref="OwnerOf"/> gives it.</param>
    /// <returns>Null: there is none.</returns>
    public Task<ResourceFact?> OfAsync(string resource) => byCollection[resource.Split('/')[2]].OfAsync(resource);

    /// <summary>By what a caller may do something to one resource, though not to all of its project.</summary>
    /// <param name="where">What the call names.</param>
    public async ValueTask<IReadOnlyList<CallerGrant>> GivingAsync(Caller caller, string permission, string where)
    {
        if (OwnerOf(where) is not { } resource || !Candidates(caller, permission, resource).Any()) return [];
        return await OfAsync(resource) is { } fact ? Giving(caller, permission, resource, fact) : [];
    }

    /// <summary>As above, of a resource that was looked at: for many callers.</summary>
    /// <param name="resource">As <see cref="OwnerOf"/> gives it.</param>
    public static IReadOnlyList<CallerGrant> Giving(Caller caller, string permission, string resource, ResourceFact fact) =>
        [.. Candidates(caller, permission, resource).Where(g => Fits(g, fact))];

    static IEnumerable<CallerGrant> Candidates(Caller caller, string permission, string resource) => caller.NarrowIn(ResourceName.ProjectOf(resource)!)
        .Where(g => g.Permissions.Contains(permission) && (g.Uid == Guid.Empty || g.Scope == resource));

    static bool Fits(CallerGrant grant, ResourceFact fact) => (grant.Uid == Guid.Empty || grant.Uid == fact.Uid)
        && grant.Labels.All(l => Labels.Find(fact.Labels, l.Key) == l.Value);
}

public static class ResourceFactsExtensions
{
    /// <summary>Lets roles be bound on single resources of a module, and by their labels.</summary>
    public static IServiceCollection AddFacts<TDb>(this IServiceCollection services, FactTables<TDb> tables) where TDb : ModuleDb =>
        services.AddSingleton<IResourceFacts>(s => new Facts<TDb>(s.GetRequiredService<Store<TDb>>(), tables));

    sealed class Facts<TDb>(Store<TDb> store, FactTables<TDb> tables) : IResourceFacts where TDb : ModuleDb
    {
        public IReadOnlyCollection<string> Collections => tables.Tables.Keys;

        public Task<ResourceFact?> OfAsync(string name) => store.ReadAsync(db => tables.Tables[name.Split('/')[2]](db, name));
    }
}
