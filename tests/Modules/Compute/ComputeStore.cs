using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Compute;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Compute;

/// <summary>Compute's database in a directory of its own; on PostgreSQL when a connection string is given.</summary>
internal sealed class ComputeStore : IAsyncDisposable
{
    readonly string directory = Directory.CreateTempSubdirectory("monolith-test-").FullName;

    ComputeStore() => Store = Open();

    public Store<ComputeDb> Store { get; private set; }

    public static async Task<ComputeStore> OpenAsync()
    {
        var store = new ComputeStore();
        await store.Store.OpenAsync(CancellationToken.None);
        return store;
    }

    public async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = Open();
        await Store.OpenAsync(CancellationToken.None);
    }

    Store<ComputeDb> Open() => new("compute", new DatabaseOptions(directory), o => new SqliteComputeDb(o),
        o => new PostgresComputeDb(o), TimeProvider.System, NullLoggerFactory.Instance);

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(directory, recursive: true);
    }
}
