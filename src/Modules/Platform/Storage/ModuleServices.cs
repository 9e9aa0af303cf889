using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Events;
using Monolith.Platform.Quotas;

namespace Monolith.Platform.Storage;

/// <summary>
/// Something to do before the host serves: open a database, make defaults. In the order of registration, for a module's
/// defaults may need another's: what lies in a project needs the projects. See <see cref="IStoreOpening"/>.
/// </summary>
public interface IStartUp
{
    string Module { get; }

    Task StartAsync(CancellationToken cancel);
}

/// <summary>Opens a store: needs nothing of other modules, so that all of them run side by side, before all else.</summary>
public interface IStoreOpening : IStartUp;

public static class ModuleServices
{
    /// <summary>A module's store and relay.</summary>
    /// <param name="ownsProjects">The module decides itself which projects there are, and what they may have.</param>
    public static IServiceCollection AddModuleStore<TDb>(this IServiceCollection services, string module,
        Func<DbContextOptions, TDb> sqlite, Func<DbContextOptions, TDb> postgres,
        bool ownsProjects = false) where TDb : ModuleDb
    {
        services.AddSingleton(s => new Store<TDb>(module, s.GetRequiredService<DatabaseOptions>(), sqlite, postgres,
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILoggerFactory>(),
            ownsProjects ? null : s.GetService<IOpenProjects>(), s.GetService<Counts<TDb>>(),
            ownsProjects ? null : s.GetService<IQuotaLimits>()));
        services.AddSingleton<IStoreHealth>(s => s.GetRequiredService<Store<TDb>>());
        services.AddSingleton<Relay<TDb>>();
        services.AddSingleton<IRelay>(s => s.GetRequiredService<Relay<TDb>>());
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Relay<TDb>>());
        services.AddSingleton<IStartUp, OpenStore<TDb>>();
        return services;
    }

    sealed class OpenStore<TDb>(Store<TDb> store) : IStoreOpening where TDb : ModuleDb
    {
        public string Module => store.Module;

        public Task StartAsync(CancellationToken cancel) => store.OpenAsync(cancel);
    }
}
