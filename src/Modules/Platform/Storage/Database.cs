using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Monolith.Platform.Storage;

/// <summary>Which database a host uses. Immutable.</summary>
/// <param name="Directory">Where SQLite files are kept, one a module.</param>
/// <param name="Postgres">A connection string; null for SQLite.</param>
public sealed record DatabaseOptions(string Directory, string? Postgres = null);

/// <summary>One module's database on either provider: connections and options.</summary>
internal sealed class Database
{
    readonly NpgsqlDataSource? postgres;
    readonly string sqlite;

    public Database(DatabaseOptions options, string module)
    {
        Module = module;
        if (options.Postgres is { } connection) postgres = NpgsqlDataSource.Create(connection);
        sqlite = new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(options.Directory, module + ".db"),
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = 10,
        }.ToString();
        ReadOptions = Configure(new DbContextOptionsBuilder(), null).Options;
    }

    public string Module { get; }

    public bool IsPostgres => postgres is not null;

    /// <summary>For contexts that read, each on a pooled connection of its own.</summary>
    public DbContextOptions ReadOptions { get; }

    public DbConnection CreateConnection() => postgres is not null
        ? postgres.CreateConnection()
        : new SqliteConnection(sqlite);

    /// <summary>Options of contexts that share the writer's connection.</summary>
    public DbContextOptions WriteOptions(DbConnection connection) =>
        Configure(new DbContextOptionsBuilder(), connection).Options;

    /// <summary>Write-ahead log, and an answer only after the disk has it: OK survives a power cut.</summary>
    public async Task PrepareWriterAsync(DbConnection connection, CancellationToken cancel)
    {
        await connection.OpenAsync(cancel);
        if (IsPostgres) return;
        await using var command = connection.CreateCommand();
        command.CommandText =
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=4000;";
        await command.ExecuteNonQueryAsync(cancel);
    }

    DbContextOptionsBuilder Configure(DbContextOptionsBuilder builder, DbConnection? connection)
    {
        if (postgres is not null)
        {
            void Migrations(Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure.NpgsqlDbContextOptionsBuilder o) =>
                o.MigrationsHistoryTable("migrations", Module);
            return connection is null
                ? builder.UseNpgsql(postgres, Migrations)
                : builder.UseNpgsql(connection, Migrations);
        }
        return connection is null ? builder.UseSqlite(sqlite) : builder.UseSqlite(connection);
    }
}

/// <summary>Contexts for the migrations tool, which needs a provider but no server.</summary>
public static class DesignTime
{
    public static DbContextOptions Sqlite() => new DbContextOptionsBuilder().UseSqlite("Data Source=:memory:").Options;

    /// <param name="schema">The module's name in lower case.</param>
    public static DbContextOptions Postgres(string schema) => new DbContextOptionsBuilder()
        .UseNpgsql("Host=none", o => o.MigrationsHistoryTable("migrations", schema)).Options;
}
