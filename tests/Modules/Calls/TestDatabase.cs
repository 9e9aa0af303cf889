using Monolith.Platform.Storage;
using Npgsql;

namespace Monolith.Modules.Tests.Calls;

/// <summary>
/// The databases that a test runs on: SQLite in a directory of its own; PostgreSQL as well when
/// <c>MONOLITH_TEST_POSTGRES</c> holds a connection string to a server on which databases may be made.
/// </summary>
public static class TestDatabases
{
    static readonly string? Server = Environment.GetEnvironmentVariable("MONOLITH_TEST_POSTGRES");

    public static TheoryData<string> All => Server is null ? new() { "sqlite" } : new() { "sqlite", "postgres" };

    /// <summary>A new, empty database of a provider in <see cref="All"/>.</summary>
    public static async Task<TestDatabase> MakeAsync(string provider)
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("monolith-test-").FullName;
        if (provider == "sqlite") return new(new DatabaseOptions(directory), directory, null);
        var name = "test_" + Guid.NewGuid().ToString("N");
        await ExecuteAsync($"CREATE DATABASE {name}");
        var connection = new NpgsqlConnectionStringBuilder(Server) { Database = name, MaxPoolSize = 10 }.ToString();
        return new(new DatabaseOptions(directory, connection), directory, name);
    }

    internal static async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

public sealed class TestDatabase(DatabaseOptions options, string directory, string? postgres) : IAsyncDisposable
{
    public DatabaseOptions Options { get; } = options;

    public string Directory { get; } = directory;

    public async ValueTask DisposeAsync()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        System.IO.Directory.Delete(Directory, recursive: true);
        if (postgres is not null)
            await TestDatabases.ExecuteAsync($"DROP DATABASE {postgres} WITH (FORCE)");
    }
}
