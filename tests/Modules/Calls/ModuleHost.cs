using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Platform.Events;
using Monolith.Platform.Storage;
using Npgsql;

namespace Monolith.Modules.Tests.Calls;

/// <summary>Modules with a real database, as the host composes them, without transports and bus.</summary>
internal sealed class ModuleHost : IAsyncDisposable
{
    readonly string directory;
    readonly List<IHostedService> started = [];

    ModuleHost(ServiceProvider services, string directory) => (Services, this.directory) = (services, directory);

    public ServiceProvider Services { get; }

    /// <summary>The databases that tests run on: always a SQLite file, and PostgreSQL when there is one.</summary>
    public static TheoryData<string> Providers => Environment.GetEnvironmentVariable("MONOLITH_TEST_POSTGRES") is { Length: > 0 }
        ? ["sqlite", "postgres"]
        : ["sqlite"];

    public static Task<ModuleHost> StartAsync(string provider, Action<IServiceCollection> modules) =>
        StartAsync(provider, (services, _) => modules(services));

    /// <param name="modules">Adds them; is given the host's directory.</param>
    public static async Task<ModuleHost> StartAsync(string provider, Action<IServiceCollection, string> modules)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(TimeProvider.System);
        var directory = Directory.CreateTempSubdirectory("monolith-test-").FullName;
        modules(services, directory);
        services.AddSingleton(new DatabaseOptions(directory, provider == "postgres" ? await CreateAsync() : null));
        var host = new ModuleHost(services.BuildServiceProvider(), directory);
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

    // A database for each host: tests run side by side.
    static async Task<string> CreateAsync()
    {
        var connection = Environment.GetEnvironmentVariable("MONOLITH_TEST_POSTGRES")!;
        var name = "t" + Guid.NewGuid().ToString("N");
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand($"CREATE DATABASE {name}");
        await command.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(connection) { Database = name, Pooling = true, MaxPoolSize = 20 }.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in started) await service.StopAsync(CancellationToken.None);
        await Services.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }
}
