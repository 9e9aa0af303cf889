using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Events;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Calls;

/// <summary>Modules with a real database, as the host composes them, without transports and bus.</summary>
internal sealed class ModuleHost : IAsyncDisposable
{
    readonly TestDatabase? database;
    readonly List<IHostedService> started = [];

    /// <param name="database">Goes with the host; null: it outlives it.</param>
    ModuleHost(ServiceProvider services, TestDatabase? database) => (Services, this.database) = (services, database);

    public ServiceProvider Services { get; }

    /// <inheritdoc cref="TestDatabases.All"/>
    public static TheoryData<string> Providers => TestDatabases.All;

    public static Task<ModuleHost> StartAsync(string provider, Action<IServiceCollection> modules) =>
        StartAsync(provider, (services, _) => modules(services));

    /// <param name="modules">Adds them; is given the host's directory.</param>
    public static async Task<ModuleHost> StartAsync(string provider, Action<IServiceCollection, string> modules)
    {
        var database = await TestDatabases.MakeAsync(provider);
        return await StartAsync(database.Options, modules, database);
    }

    /// <summary>On a database that is there, and stays.</summary>
    public static Task<ModuleHost> StartAsync(DatabaseOptions options, Action<IServiceCollection, string> modules) =>
        StartAsync(options, modules, null);

    static async Task<ModuleHost> StartAsync(DatabaseOptions options, Action<IServiceCollection, string> modules,
        TestDatabase? database)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(TimeProvider.System);
        modules(services, options.Directory);
        services.AddSingleton(options);
        var host = new ModuleHost(services.BuildServiceProvider(), database);
        var cancel = TestContext.Current.CancellationToken;
        foreach (var start in host.Services.GetServices<IStartUp>()) await start.StartAsync(cancel);
        // The relays need a bus; what is tested here does not.
        foreach (var service in host.Services.GetServices<IHostedService>().Where(s => s is not IRelay))
        {
            await service.StartAsync(cancel);
            host.started.Add(service);
        }
        return host;
    }

    public T Get<T>() where T : notnull => Services.GetRequiredService<T>();

    public T Make<T>() => ActivatorUtilities.CreateInstance<T>(Services);

    public async ValueTask DisposeAsync()
    {
        foreach (var service in started) await service.StopAsync(CancellationToken.None);
        await Services.DisposeAsync();
        if (database is not null) await database.DisposeAsync();
    }
}
