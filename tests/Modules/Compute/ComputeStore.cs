using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Compute;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Compute;

/// <summary>Compute's store on a database of its own.</summary>
internal sealed class ComputeStore : IAsyncDisposable
{
    readonly TestDatabase database;

    ComputeStore(TestDatabase database) => (this.database, Store) = (database, Make(database));

    public Store<ComputeDb> Store { get; private set; }

    public static async Task<ComputeStore> OpenAsync(string provider)
    {
        var store = new ComputeStore(await TestDatabases.MakeAsync(provider));
        await store.Store.OpenAsync(CancellationToken.None);
        return store;
    }

    public async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = Make(database);
        await Store.OpenAsync(CancellationToken.None);
    }

    /// <summary>Another host's store on the same database, where several hosts may share one: on PostgreSQL.</summary>
    public async Task<Store<ComputeDb>> AnotherAsync()
    {
        if (!database.IsPostgres) return Store;
        var other = Make(database);
        await other.OpenAsync(CancellationToken.None);
        return other;
    }

    public Task CutAsync() => database.CutAsync();

    static Store<ComputeDb> Make(TestDatabase database) => new("compute", database.Options,
        o => new SqliteComputeDb(o), o => new PostgresComputeDb(o), TimeProvider.System, NullLoggerFactory.Instance);

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await database.DisposeAsync();
    }
}
