using System.Collections;
using System.Data.Common;
using System.Reflection;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Monolith.Compute;
using Monolith.Dns;
using Monolith.Events;
using Monolith.Image;
using Monolith.Modules.Tests.Calls;
using Monolith.Network;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Platform;

/// <summary>
/// What is asked with every server must not cost more with every server: no query that is translated once
/// (<see cref="Query"/>) goes through a table from end to end, but for those whose business that is. SQLite's planner
/// says so before there is a row. It does not conclude that <c>Role = 0</c> implies the <c>Role &lt;&gt; 3</c> of a
/// filtered index, as PostgreSQL's does: a query must say the filter in the index's own words.
/// </summary>
public sealed class QueryPlanTests
{
    // Small by nature, or asked for as a whole.
    static readonly string[] Whole =
    [
        "AuditTrail.Ends: SCAN a",
        "EventLog.PlaceOf: SCAN e",
        "FleetView.CandidatesAsync: SCAN h",
        "FleetView.SizesAsync: SCAN f USING INDEX IX_flavors_Name",
        "PoolQueries.Aggregates: SCAN a USING INDEX IX_address_pools_Name",
        "PoolQueries.Inside: SCAN a USING INDEX IX_address_pools_Name",
        // Every group's generation, once for each hypervisor that comes back.
        "PortQueries.WantedBy: SCAN s0",
        "PrewarmQueries.All: SCAN i",
        "PrewarmQueries.Choices: SCAN h USING INDEX IX_hypervisors_Name",
    ];

    static readonly (string Module, Func<DbContextOptions, ModuleDb> Make)[] Modules =
    [
        ("compute", o => new SqliteComputeDb(o)),
        ("dns", o => new SqliteDnsDb(o)),
        ("events", o => new SqliteEventsDb(o)),
        ("image", o => new SqliteImageDb(o)),
        ("network", o => new SqliteNetworkDb(o)),
    ];

    [Fact]
    public async Task AQueryThatIsTranslatedOnce_GoesThroughNoWholeTable()
    {
        var scans = new List<string>();
        foreach (var (module, make) in Modules)
        {
            await using var database = await TestDatabases.MakeAsync("sqlite");
            await using var storage = new Database(database.Options, module);
            var seen = new Commands();
            var options = new DbContextOptionsBuilder(storage.ReadOptions).AddInterceptors(seen).Options;
            await using var db = make(options);
            await db.Database.MigrateAsync(TestContext.Current.CancellationToken);
            await db.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
            var queries = Queries(db.GetType()).ToList();
            Assert.NotEmpty(queries);
            foreach (var query in queries)
            {
                seen.Last.Clear();
                await AskAsync(query, db);
                Assert.True(seen.Last.Count > 0, $"{query.DeclaringType!.Name}.{query.Name} asked nothing");
                foreach (var command in seen.Last)
                    scans.AddRange((await PlanAsync(db, command)).Where(line => line.StartsWith("SCAN ", StringComparison.Ordinal))
                        .Select(line => $"{query.DeclaringType!.Name}.{query.Name}: {line}"));
            }
        }
        // A list that is a parameter, and a question without a table, are none.
        scans.RemoveAll(s => s.Contains("VIRTUAL TABLE INDEX", StringComparison.Ordinal) || s.EndsWith("CONSTANT ROW", StringComparison.Ordinal));
        var found = scans.Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.True(Whole.SequenceEqual(found), string.Join('\n', found));
    }

    /// <summary>Static fields, anywhere in the module: a function of its context and of what is asked for.</summary>
    static IEnumerable<FieldInfo> Queries(Type context) =>
        from type in context.Assembly.GetTypes()
            // What the compiler keeps of lambdas that ran is none of them.
        where !type.ContainsGenericParameters && !type.Name.StartsWith('<')
        from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        where field.FieldType is { IsGenericType: true } function && function.Name.StartsWith("Func`", StringComparison.Ordinal)
        let parts = field.FieldType.GetGenericArguments()
        where parts[0].IsAssignableFrom(context) && parts[0].IsAssignableTo(typeof(ModuleDb))
            && parts[^1].IsAssignableTo(typeof(Task)) && field.GetValue(null) is Delegate
        orderby type.Name, field.Name
        select field;

    static Task AskAsync(FieldInfo query, ModuleDb db)
    {
        var function = (Delegate)query.GetValue(null)!;
        var parts = query.FieldType.GetGenericArguments();
        return (Task)function.DynamicInvoke([db, .. parts[1..^1].Select(Any)])!;
    }

    static object? Any(Type type) =>
        type == typeof(string) ? "x"
        : type.IsAssignableTo(typeof(IList)) && type.GetGenericArguments() is [var of]
            ? type.GetConstructors().Length > 0 ? One(type, of) : null
        : Activator.CreateInstance(type);

    static IList One(Type list, Type of)
    {
        var made = (IList)Activator.CreateInstance(list)!;
        made.Add(Any(of));
        return made;
    }

    static async Task<List<string>> PlanAsync(ModuleDb db, (string Text, List<SqliteParameter> Parameters) asked)
    {
        await using var command = (SqliteCommand)db.Database.GetDbConnection().CreateCommand();
        command.CommandText = "EXPLAIN QUERY PLAN " + asked.Text;
        command.Parameters.AddRange(asked.Parameters);
        await using var reader = await command.ExecuteReaderAsync();
        var lines = new List<string>();
        while (await reader.ReadAsync()) lines.Add(reader.GetString(3));
        return lines;
    }

    sealed class Commands : DbCommandInterceptor
    {
        public List<(string Text, List<SqliteParameter> Parameters)> Last { get; } = [];

        public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(DbCommand command,
            CommandEventData data, InterceptionResult<DbDataReader> result, CancellationToken cancel = default)
        {
            Last.Add((command.CommandText,
                [.. command.Parameters.Cast<SqliteParameter>().Select(p => new SqliteParameter(p.ParameterName, p.Value))]));
            return new(result);
        }
    }
}
