using Microsoft.Data.Sqlite;
using Monolith.Platform.Storage;
using Npgsql;

namespace Monolith.Modules.Tests.Calls;

/// <summary>
/// The databases that a test runs on: SQLite in a directory of its own; PostgreSQL as well when
/// <c>MONOLITH_TEST_POSTGRES</c> holds a connection string to a server on which databases may be made. Each row has the
/// trait <c>Database</c>, by which a run can choose.
/// </summary>
public static class TestDatabases
{
    static readonly string? Server = Environment.GetEnvironmentVariable("MONOLITH_TEST_POSTGRES") is { Length: > 0 } given
        ? given
        : null;

    public static TheoryData<string> All { get; } = new(
        from provider in Server is null ? (string[])["sqlite"] : ["sqlite", "postgres"]
        select new TheoryDataRow<string>(provider).WithTrait("Database", provider));

    /// <summary>A new, empty database of a provider in <see cref="All"/>: tests run side by side.</summary>
    public static async Task<TestDatabase> MakeAsync(string provider)
    {
        var directory = Directory.CreateTempSubdirectory("monolith-test-").FullName;
        if (provider == "sqlite") return new(new DatabaseOptions(directory), null);
        var name = "test_" + Guid.NewGuid().ToString("N");
        await ExecuteAsync($"CREATE DATABASE {name}");
        var connection = new NpgsqlConnectionStringBuilder(Server) { Database = name, MaxPoolSize = 20 }.ToString();
        return new(new DatabaseOptions(directory, connection), name);
    }

    internal static async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>Removed with everything in it on disposal; dispose of what uses it first.</summary>
public sealed class TestDatabase(DatabaseOptions options, string? postgres) : IAsyncDisposable
{
    public DatabaseOptions Options { get; } = options;

    public string Directory => Options.Directory;

    public bool IsPostgres => postgres is not null;

    /// <summary>Cuts every connection to it, as a restart of the server does; nothing to cut with SQLite.</summary>
    public Task CutAsync() => postgres is null ? Task.CompletedTask : TestDatabases.ExecuteAsync(
        $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{postgres}'");

    public async ValueTask DisposeAsync()
    {
        SqliteConnection.ClearAllPools();
        System.IO.Directory.Delete(Directory, recursive: true);
        if (postgres is not null) await TestDatabases.ExecuteAsync($"DROP DATABASE {postgres} WITH (FORCE)");
    }
}
