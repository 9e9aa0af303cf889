using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Monolith.Identity;
using Monolith.Identity.Contracts;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Identity;

/// <summary>The module on a database and a directory of its own.</summary>
internal sealed class IdentityFixture : IAsyncDisposable
{
    readonly TestDatabase database;
    readonly bool owns;
    ServiceProvider services = null!;

    IdentityFixture(TestDatabase database, bool owns = true) => (this.database, this.owns) = (database, owns);

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public IAuthentication Authentication => Get<IAuthentication>();

    public string TokenPath => Path.Combine(database.Directory, "admin.token");

    public Caller Admin => Authentication.Authenticate(File.ReadAllText(TokenPath).Trim())!;

    public static async Task<IdentityFixture> StartAsync(string provider) => await StartAsync(await TestDatabases.MakeAsync(provider));

    /// <summary>On a database that has something in it. Disposed of with it.</summary>
    public static async Task<IdentityFixture> StartAsync(TestDatabase database)
    {
        var fixture = new IdentityFixture(database);
        await fixture.RestartAsync();
        return fixture;
    }

    /// <summary>Another host on the same database. Dispose of it first.</summary>
    public async Task<IdentityFixture> SecondAsync()
    {
        var second = new IdentityFixture(database, owns: false);
        await second.RestartAsync();
        return second;
    }

    public async Task RestartAsync()
    {
        if (services is not null) await services.DisposeAsync();
        services = await OpenAsync();
    }

    /// <summary>Another host's module on the same database and directory, to be disposed of before this.</summary>
    public Task<ServiceProvider> OtherAsync() => OpenAsync();

    /// <summary>On whichever host: by the clock that they go by; what the machine takes for their queries is its own affair.</summary>
    public async Task HoldsWithinASecondAsync(Func<bool> holds)
    {
        Time.Advance(TimeSpan.FromSeconds(0.5));
        Time.Advance(TimeSpan.FromSeconds(0.5));
        for (var patience = 0; patience < 3_000 && !holds(); patience++) await Task.Delay(1);
        Assert.True(holds());
    }

    async Task<ServiceProvider> OpenAsync()
    {
        var collection = new ServiceCollection();
        collection.AddLogging();
        collection.AddSingleton<TimeProvider>(Time);
        collection.AddSingleton(database.Options);
        collection.AddIdentity(new IdentityOptions(database.Directory));
        var opened = collection.BuildServiceProvider();
        foreach (var step in opened.GetServices<IStartUp>()) await step.StartAsync(default);
        return opened;
    }

    public T Get<T>() where T : notnull => services.GetRequiredService<T>();

    /// <summary>A service that only the gRPC server makes.</summary>
    public T Make<T>() => ActivatorUtilities.CreateInstance<T>(services);

    public FakeCall As(Caller caller, string permission = "") => FakeCall.By(caller, permission);

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        if (owns) await database.DisposeAsync();
    }
}
