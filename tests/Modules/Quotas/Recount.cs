using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Monolith.Modules.Tests.Calls;
using Npgsql;

namespace Monolith.Modules.Tests.Quotas;

/// <summary>
/// Counts once more, past the host and by other means: by the names of resources instead of the column that the host
/// counts by, addresses by their holders, and amounts in the test's own head.
/// </summary>
internal sealed class Recount(string directory, string? postgres) : IAsyncDisposable
{
    static readonly Dictionary<string, (string Module, string Sum, string Table, string Name)> Ways = new()
    {
        ["servers"] = ("compute", "COUNT(*)", "servers", "Name"),
        ["vcpus"] = ("compute", "SUM(CASE \"Flavor\" WHEN 'flavors/small' THEN 2 ELSE 4 END)", "servers", "Name"),
        ["memory_mib"] = ("compute", "SUM(CASE \"Flavor\" WHEN 'flavors/small' THEN 512 ELSE 2048 END)", "servers", "Name"),
        ["disk_gib"] = ("compute", "SUM(CASE \"Flavor\" WHEN 'flavors/small' THEN 10 ELSE 20 END)", "servers", "Name"),
        ["networks"] = ("network", "COUNT(*)", "networks", "Name"),
        ["security_groups"] = ("network", "COUNT(*)", "security_groups", "Name"),
        ["ports"] = ("network", "COUNT(*)", "ports", "Name"),
        ["addresses"] = ("network", "COUNT(*)", "addresses", "Owner"),
        ["images"] = ("image", "COUNT(*)", "images", "Name"),
        ["image_bytes"] = ("image", "SUM(\"SizeBytes\")", "images", "Name"),
        ["zones"] = ("dns", "COUNT(*)", "zones", "Name"),
        ["load_balancers"] = ("lb", "COUNT(*)", "load_balancers", "Name"),
    };

    readonly Dictionary<string, DbConnection> open = [];

    public static Recount Of(TestDatabase database) => new(database.Directory, database.Options.Postgres);

    /// <exception cref="KeyNotFoundException">A quota that nobody recounts.</exception>
    public async Task<long> OfAsync(string project, string quota)
    {
        var (module, sum, table, name) = Ways[quota];
        var schema = postgres is null ? "" : module + ".";
        await using var command = (await OpenAsync(module)).CreateCommand();
        command.CommandText = $"SELECT COALESCE({sum}, 0) FROM {schema}\"{table}\" WHERE \"{name}\" LIKE 'projects/{project}/%'";
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    async Task<DbConnection> OpenAsync(string module)
    {
        if (open.TryGetValue(module, out var connection)) return connection;
        connection = postgres is null
            ? new SqliteConnection($"Data Source={Path.Combine(directory, module + ".db")};Mode=ReadOnly;Pooling=False")
            : new NpgsqlConnection(new NpgsqlConnectionStringBuilder(postgres) { Pooling = false }.ToString());
        await connection.OpenAsync();
        return open[module] = connection;
    }

    /// <summary>Its connections may have been cut with the host's.</summary>
    public async Task CloseAsync()
    {
        foreach (var connection in open.Values) await connection.DisposeAsync();
        open.Clear();
    }

    public async ValueTask DisposeAsync() => await CloseAsync();
}
