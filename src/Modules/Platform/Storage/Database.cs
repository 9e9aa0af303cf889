using System.Data.Common;
using System.Reflection;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace Monolith.Platform.Storage;

/// <summary>Which database a host uses. Immutable.</summary>
/// <param name="Directory">Where SQLite files are kept, one a module.</param>
/// <param name="Postgres">A connection string; null for SQLite.</param>
public sealed record DatabaseOptions(string Directory, string? Postgres = null)
{
    /// <summary>Told of each connection that a writer opens, before its first use; for whoever wants to break it.</summary>
    internal Action<string, DbConnection>? WriterOpened { get; init; }
}

/// <summary>One module's database on either provider: connections and options.</summary>
internal sealed class Database : IAsyncDisposable
{
    // PostgreSQL takes 100 connections unless told otherwise, and each of seven modules has a pool of its own.
    const int PoolSize = 12;
    const int MaxPrepared = 200;

    // Modules share a PostgreSQL database, and making it is for one of them.
    static readonly SemaphoreSlim Migrating = new(1);

    readonly DatabaseOptions options;
    readonly NpgsqlDataSource? postgres;
    readonly string sqlite;

    public Database(DatabaseOptions options, string module)
    {
        (this.options, Module) = (options, module);
        if (options.Postgres is { } connection) postgres = NpgsqlDataSource.Create(Pooled(connection));
        sqlite = new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(options.Directory, module + ".db"),
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = 10,
        }.ToString();
        Spans = new DatabaseSpans(module, IsPostgres);
        ReadOptions = Configure(new DbContextOptionsBuilder(), null).Options;
    }

    /// <summary>The table of applied migrations in a module's schema.</summary>
    public const string PostgresHistory = "migrations";

    public string Module { get; }

    public DatabaseSpans Spans { get; }

    public bool IsPostgres => postgres is not null;

    /// <summary>For contexts that read, each on a pooled connection of its own.</summary>
    public DbContextOptions ReadOptions { get; }

    public DbConnection CreateConnection() => postgres is not null
        ? postgres.CreateConnection()
        : new SqliteConnection(sqlite);

    /// <summary>Those to a server that went away are no good, and only their use would tell.</summary>
    public void ForgetIdleConnections() => postgres?.Clear();

    /// <summary>Options of contexts that share the writer's connection.</summary>
    public DbContextOptions WriteOptions(DbConnection connection) =>
        Configure(new DbContextOptionsBuilder(), connection).Options;

    /// <summary>Makes the schema what the context's migrations say; costs one query when it is that already.</summary>
    public async Task MigrateAsync(DbContext db, CancellationToken cancel)
    {
        if (await IsCurrentAsync(db, cancel)) return;
        await Migrating.WaitAsync(cancel);
        try
        {
            await db.Database.MigrateAsync(cancel);
        }
        finally
        {
            Migrating.Release();
        }
    }

    /// <summary>
    /// Whether the newest migration was applied. EF's own answer builds the model a second time and compares it with
    /// the snapshot, which is most of what an ordinary start would do.
    /// </summary>
    async Task<bool> IsCurrentAsync(DbContext db, CancellationToken cancel)
    {
        var newest = Migrations(db.GetType()).Max(StringComparer.Ordinal);
        await using var connection = CreateConnection();
        try
        {
            await connection.OpenAsync(cancel);
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT max(\"MigrationId\") FROM "
                + (IsPostgres ? $"\"{Module}\".\"{PostgresHistory}\"" : "\"__EFMigrationsHistory\"");
            // A newer host's schema is left to EF, which says what is wrong.
            return await command.ExecuteScalarAsync(cancel) is string applied && applied == newest;
        }
        catch (DbException)
        {
            // Neither table nor database are there yet; or nothing answers, and EF has the words for that.
            return false;
        }
    }

    static IEnumerable<string> Migrations(Type context) =>
        from type in context.Assembly.GetTypes()
        where type.IsSubclassOf(typeof(Migration))
            && type.GetCustomAttribute<DbContextAttribute>()?.ContextType == context
        select type.GetCustomAttribute<MigrationAttribute>()!.Id;

    static string Pooled(string connection)
    {
        var builder = new NpgsqlConnectionStringBuilder(connection);
        if (!builder.ShouldSerialize("Maximum Pool Size")) builder.MaxPoolSize = PoolSize;
        // A statement that is used again is prepared on its connection, and planned once.
        if (!builder.ShouldSerialize("Max Auto Prepare")) builder.MaxAutoPrepare = MaxPrepared;
        return builder.ToString();
    }

    /// <summary>May be called again: the container knows a store by more than one name.</summary>
    public async ValueTask DisposeAsync()
    {
        if (postgres is not null) await postgres.DisposeAsync();
    }

    /// <summary>Write-ahead log, and an answer only after the disk has it: OK survives a power cut.</summary>
    public async Task PrepareWriterAsync(DbConnection connection, CancellationToken cancel)
    {
        await connection.OpenAsync(cancel);
        options.WriterOpened?.Invoke(Module, connection);
        // What a savepoint may have to undo is kept in memory: it would be a file for each batch. Pages of the writer stay good
        // from write to write, since nobody else changes them.
        await TellAsync(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
            + "PRAGMA wal_autocheckpoint=4000; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;", cancel);
    }

    /// <summary>Of an open connection that reads. Its pages are good until the next commit, so few are worth keeping.</summary>
    public Task PrepareReaderAsync(DbConnection connection, CancellationToken cancel) =>
        TellAsync(connection, "PRAGMA cache_size=-512;", cancel);

    async Task TellAsync(DbConnection connection, string pragmas, CancellationToken cancel)
    {
        if (IsPostgres) return;
        await using var command = connection.CreateCommand();
        command.CommandText = pragmas;
        await command.ExecuteNonQueryAsync(cancel);
    }

    DbContextOptionsBuilder Configure(DbContextOptionsBuilder builder, DbConnection? connection)
    {
        builder.AddInterceptors(Spans);
        if (postgres is null) builder.AddInterceptors(new PreparedStatements());
        else
        {
            void Migrations(Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure.NpgsqlDbContextOptionsBuilder o) =>
                o.MigrationsHistoryTable(PostgresHistory, Module);
            return connection is null
                ? builder.UseNpgsql(postgres, Migrations)
                : builder.UseNpgsql(connection, Migrations);
        }
        // A list is one parameter, however long: a text with a place for each of its values would be made and prepared
        // for every length.
        void Lists(SqliteDbContextOptionsBuilder o) => o.UseParameterizedCollectionMode(ParameterTranslationMode.Parameter);
        return connection is null ? builder.UseSqlite(sqlite, Lists) : builder.UseSqlite(connection, Lists);
    }
}

/// <summary>Contexts for the migrations tool, which needs a provider but no server.</summary>
public static class DesignTime
{
    public static DbContextOptions Sqlite() => new DbContextOptionsBuilder().UseSqlite("Data Source=:memory:").Options;

    /// <param name="schema">The module's name in lower case.</param>
    public static DbContextOptions Postgres(string schema) => new DbContextOptionsBuilder()
        .UseNpgsql("Host=none", o => o.MigrationsHistoryTable(Database.PostgresHistory, schema)).Options;
}
