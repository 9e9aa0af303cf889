using Microsoft.Extensions.DependencyInjection;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Contracts;

/// <summary>Implemented by every module that counts something towards quotas, by <see cref="ProjectUsage.AddCounts"/>.</summary>
public interface IProjectUsage
{
    /// <summary>What it counts; no other module counts the same.</summary>
    IReadOnlyList<string> Quotas { get; }

    /// <summary>How much of each the project has.</summary>
    /// <param name="project">The project's id.</param>
    Task<IReadOnlyDictionary<string, long>> UsageAsync(string project, CancellationToken cancel);

    /// <summary>What counts towards a quota that is among <see cref="Quotas"/>, in the order of keys.</summary>
    /// <param name="after">The last key that is known; empty from the beginning.</param>
    Task<IReadOnlyList<CountedResource>> ListAsync(string project, string quota, string after, int count,
        CancellationToken cancel);

    /// <summary>What a key tells of the resource that its name does not; empty when that is nothing.</summary>
    string PartOf(string quota, string key);
}

public static class ProjectUsage
{
    /// <summary>Has a module's writes held against quotas, and its usage told.</summary>
    /// <param name="part">See <see cref="IProjectUsage.PartOf"/>; default: nothing.</param>
    public static IServiceCollection AddCounts<TDb>(this IServiceCollection services, Counts<TDb> counts,
        Func<string, string, string>? part = null) where TDb : ModuleDb =>
        services.AddSingleton(counts).AddSingleton<IProjectUsage>(s =>
            new Usage<TDb>(s.GetRequiredService<Store<TDb>>(), counts, part ?? ((_, _) => "")));

    sealed class Usage<TDb>(Store<TDb> store, Counts<TDb> counts, Func<string, string, string> part) : IProjectUsage
        where TDb : ModuleDb
    {
        public IReadOnlyList<string> Quotas { get; } = [.. counts.Quotas];

        public Task<IReadOnlyDictionary<string, long>> UsageAsync(string project, CancellationToken cancel) =>
            store.ReadAsync(db => counts.UsageAsync(db, project));

        public Task<IReadOnlyList<CountedResource>> ListAsync(string project, string quota, string after, int count,
            CancellationToken cancel) => store.ReadAsync<IReadOnlyList<CountedResource>>(async db =>
                await counts.ListAsync(db, project, quota, after, count));

        public string PartOf(string quota, string key) => part(quota, key);
    }
}
