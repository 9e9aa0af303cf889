using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Identity.Purge;

/// <summary>
/// Where a project is still spoken of: every table of a module's database, whichever there are, every column of text. What
/// is kept of the past speaks of it for ever.
/// </summary>
internal static class ProjectTraces
{
    static readonly string[] Past = ["events", "requests", "operations", "past_addresses"];

    /// <returns>How many rows speak of it in <c>compute.servers.Project</c>.</returns>
    public static async Task<List<(string Where, long Count)>> OfAsync(ModuleDb db, string project)
    {
        var found = new List<(string, long)>();
        await db.Database.OpenConnectionAsync();
        foreach (var table in db.Model.GetEntityTypes().Where(t => t.GetTableName() is { } name && !Past.Contains(name)))
            foreach (var column in table.GetProperties().Where(IsText))
            {
                var count = await CountAsync(db, table, column, project);
                if (count > 0) found.Add(($"{db.Schema}.{table.GetTableName()}.{column.Name}", count));
            }
        return found;
    }

    static bool IsText(IProperty column) =>
        (column.GetTypeMapping().Converter?.ProviderClrType ?? column.ClrType) == typeof(string);

    static async Task<long> CountAsync(ModuleDb db, IEntityType table, IProperty column, string project)
    {
        await using var command = db.Database.GetDbConnection().CreateCommand();
        var name = $"\"{column.GetColumnName()}\"";
        var from = (table.GetSchema() is { } schema ? $"\"{schema}\"." : "") + $"\"{table.GetTableName()}\"";
        command.CommandText = $"SELECT count(*) FROM {from} WHERE {name} = 'projects/{project}' "
            + $"OR {name} LIKE '%projects/{project}/%'" + (column.Name == "Project" ? $" OR {name} = '{project}'" : "");
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }
}
