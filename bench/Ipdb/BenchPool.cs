using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Monolith.Network;
using Monolith.Network.AddressPools;
using Monolith.Network.Addresses;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;
using Npgsql;

namespace Monolith.Ipdb.Bench;

/// <summary>How a pool is held.</summary>
internal enum Fill
{
    Empty,
    /// <summary>One in twenty is free, all over: as many free ranges as there can be.</summary>
    Scattered,
    /// <summary>What is free lies at the end: what a scan must read.</summary>
    Front,
    /// <summary>An IPv6 /64 with the first held.</summary>
    Six,
}

/// <summary>How the next address is found.</summary>
internal enum Way
{
    /// <summary>As the module does: a look-up in the free ranges.</summary>
    Ranges,
    /// <summary>The held ones in order, until one is missing.</summary>
    Scan,
    /// <summary>Any, and another one when it is held.</summary>
    Probe,
}

internal static class Words
{
    public static string Of(Fill fill, int size)
    {
        var count = size.ToString("N0", CultureInfo.InvariantCulture);
        return fill switch
        {
            Fill.Empty => $"IPv4, {count}, empty",
            Fill.Scattered => $"IPv4, {count}, 95 % held, scattered",
            Fill.Front => $"IPv4, {count}, 95 % held, from the front",
            _ => $"IPv6 /64, {count} held",
        };
    }

    public static string Of(Way way) => way switch
    {
        Way.Ranges => "free ranges (ours)",
        Way.Scan => "first free, by scan",
        _ => "random probe",
    };
}

/// <summary>The module's store on a database of its own, with one pool.</summary>
internal sealed class BenchPool : IAsyncDisposable
{
    const uint Base4 = 10u << 24;
    static readonly UInt128 Base6 = UInt128.Parse("20010db8000000000000000000000000", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    static readonly Call Caller = Call.Of("bench/ipdb");

    readonly ServiceProvider services;
    readonly string directory;
    readonly string? database;
    readonly Guid pool = Guid.CreateVersion7();
    readonly Fill fill;
    readonly int size;

    BenchPool(ServiceProvider services, string directory, string? database, Fill fill, int size) =>
        (this.services, this.directory, this.database, this.fill, this.size) = (services, directory, database, fill, size);

    Store<NetworkDb> Store => services.GetRequiredService<Store<NetworkDb>>();

    int Family => fill == Fill.Six ? 6 : 4;

    static string? Server => Environment.GetEnvironmentVariable("MONOLITH_TEST_POSTGRES");

    public static async Task<BenchPool> MakeAsync(string provider, Fill fill, int size)
    {
        var directory = Directory.CreateTempSubdirectory("monolith-ipdb-").FullName;
        var database = provider == "postgres" ? "bench_" + Guid.NewGuid().ToString("N") : null;
        if (database is not null) await ExecuteAsync($"CREATE DATABASE {database}");
        var connection = database is null ? null : new NpgsqlConnectionStringBuilder(Server) { Database = database }.ToString();
        var services = new ServiceCollection().AddLogging(l => l.SetMinimumLevel(LogLevel.Error))
            .AddSingleton(TimeProvider.System).AddSingleton(new DatabaseOptions(directory, connection)).AddNetwork()
            .BuildServiceProvider();
        foreach (var step in services.GetServices<IStartUp>()) await step.StartAsync(default);
        var made = new BenchPool(services, directory, database, fill, size);
        await made.FillAsync();
        return made;
    }

    /// <summary>Rows as claims would have left them, by one statement each.</summary>
    Task FillAsync() => Store.WriteAsync(Caller, async unit =>
    {
        var db = unit.Db;
        db.PoolUsages.Add(new PoolUsageRow { PoolUid = pool });
        var (first, last) = (Key(0), fill == Fill.Six ? new Ip(6, Base6 + ulong.MaxValue).Key : Key(size - 1));
        var held = size / 20 * 19;
        switch (fill)
        {
            case Fill.Empty:
                break;
            case Fill.Scattered:
                await HoldAsync(db, "i % 20 <> 19", size);
                await FreeAsync(db, "i % 20 = 19", size);
                return;
            case Fill.Front:
                await HoldAsync(db, "1 = 1", held);
                first = Key(held);
                break;
            default:
                await HoldAsync(db, "1 = 1", size);
                first = Key(size);
                break;
        }
        db.FreeRanges.Add(new FreeRangeRow { First = first, Last = last, PoolUid = pool, Family = Family });
    }, default);

    public Task AllocateAsync(Way way) => Store.WriteAsync(Caller, async unit =>
    {
        var holder = Guid.CreateVersion7();
        const string owner = "projects/p/servers/s";
        if (way == Way.Ranges)
        {
            if (await AddressBook.ClaimAsync(unit, pool, Family, holder, owner) is not Claimed.Yes)
                throw new InvalidOperationException("The pool is full.");
            return;
        }
        var key = way == Way.Scan ? await ScanAsync(unit.Db) : await ProbeAsync(unit.Db);
        unit.Db.Addresses.Add(new AddressRow
        {
            Address = key, PoolUid = pool, HolderUid = holder, Owner = owner, Project = "p", From = unit.Now,
        });
        await unit.Db.SaveChangesAsync();
    }, default);

    async Task<string> ScanAsync(NetworkDb db)
    {
        var next = Ip.OfKey(Key(0));
        await foreach (var held in db.Addresses.AsNoTracking().Where(a => a.PoolUid == pool).OrderBy(a => a.Address)
            .Select(a => a.Address).AsAsyncEnumerable())
        {
            if (held != next.Key) break;
            next = next.Next;
        }
        return next.Key;
    }

    async Task<string> ProbeAsync(NetworkDb db)
    {
        while (true)
        {
            var key = fill == Fill.Six
                ? new Ip(6, Base6 + (UInt128)(ulong)Random.Shared.NextInt64()).Key
                : Key(Random.Shared.Next(size));
            if (!await db.Addresses.AnyAsync(a => a.Address == key)) return key;
        }
    }

    string Key(int i) => fill == Fill.Six ? new Ip(6, Base6 + (UInt128)i).Key : new Ip(4, Base4 + (UInt128)i).Key;

    Task HoldAsync(NetworkDb db, string which, int count) => FillAsync(db, count, which,
        "addresses", ["Address", "PoolUid", "HolderUid", "Owner", "Project", "From"],
        [Text("i"), Id, Id, "'projects/p/servers/s'", "'p'", Time("2026-01-01 00:00:00")]);

    Task FreeAsync(NetworkDb db, string which, int count) => FillAsync(db, count, which,
        "free_ranges", ["Last", "First", "PoolUid", "Family", "FreeAfter"],
        [Text("i"), Text("i"), Id, Family.ToString(CultureInfo.InvariantCulture), Time("2000-01-01 00:00:00")]);

    // Keys of i, in the words of the database. IPv6 ones differ in their last digits alone.
    string Text(string i)
    {
        var (prefix, first) = fill == Fill.Six ? (Key(0)[..^8], 0L) : ("4", (long)Base4);
        return database is null
            ? $"printf('{prefix}%08x', {first} + {i})"
            : $"'{prefix}' || lpad(to_hex({first} + {i}), 8, '0')";
    }

    string Id => database is null ? $"'{pool.ToString().ToUpperInvariant()}'" : $"'{pool}'::uuid";

    string Time(string text) => database is null ? $"'{text}'" : $"'{text}+00'::timestamptz";

    async Task FillAsync(NetworkDb db, int count, string which, string table, string[] columns, string[] values)
    {
        var numbers = database is null
            ? $"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1}) SELECT i FROM n) n"
            : $"generate_series(0, {count - 1}) AS n(i)";
        var into = database is null ? table : "network." + table;
#pragma warning disable EF1003 // Nothing in it comes from outside.
        await db.Database.ExecuteSqlRawAsync($"INSERT INTO {into} ({string.Join(", ", columns.Select(c => $"\"{c}\""))}) "
            + $"SELECT {string.Join(", ", values)} FROM {numbers} WHERE {which}");
#pragma warning restore EF1003
    }

    static async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(directory, recursive: true);
        if (database is not null) await ExecuteAsync($"DROP DATABASE {database} WITH (FORCE)");
    }
}
