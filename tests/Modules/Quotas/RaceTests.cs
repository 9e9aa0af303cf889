using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Compute;
using Monolith.Compute.Servers;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Quotas;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Quotas;

/// <summary>However many ask for the last place at once, in one process or in two on one database, one gets it.</summary>
public sealed class RaceTests
{
    const int Limit = 25, Asking = 60;

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Calls_ThatAskAtOnce_GetExactlyTheLimit(string provider)
    {
        await using var host = await QuotaHost.StartAsync(provider);
        await host.SetAsync(("servers", Limit));
        var outcomes = await Task.WhenAll(Enumerable.Range(0, Asking)
            .Select(i => Task.Run(async () => await Record.ExceptionAsync(() => host.CreateServerAsync("s" + i)))));
        AssertExact(outcomes);
        Assert.Equal(Limit, (await host.UsageAsync("servers")).Usage);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TwoHosts_OnOneDatabase_GetExactlyTheLimitTogether(string provider)
    {
        await using var database = await TestDatabases.MakeAsync(provider);
        await using var one = Open(database);
        await one.OpenAsync(default);
        await using var two = Open(database);
        // Two hosts share a database on PostgreSQL; a SQLite file has one.
        if (database.IsPostgres) await two.OpenAsync(default);
        var stores = database.IsPostgres ? new[] { one, two } : [one];
        var outcomes = await Task.WhenAll(Enumerable.Range(0, Asking).Select(i => Task.Run(async () =>
            await Record.ExceptionAsync(() => stores[i % stores.Length].WriteAsync(Call.Of("test"), unit =>
            {
                unit.Db.Servers.Add(Row(i));
                return Task.CompletedTask;
            }, default)))));
        AssertExact(outcomes);
        Assert.Equal(Limit, await one.ReadAsync(db => db.Servers.CountAsync()));
    }

    /// <summary>One write that adds several is refused as a whole, though each alone would fit.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AWrite_IsHeldToWhatItAddsInAll_AndNotWhenItTakesAsMuchAway(string provider)
    {
        await using var database = await TestDatabases.MakeAsync(provider);
        await using var store = Open(database);
        await store.OpenAsync(default);
        var fault = await Expect.FaultAsync(StatusCode.ResourceExhausted, "QUOTA_EXCEEDED", () =>
            store.WriteAsync(Call.Of("test"), async unit =>
            {
                for (var i = 0; i <= Limit; i++)
                {
                    unit.Db.Servers.Add(Row(i));
                    await unit.Db.SaveChangesAsync();
                }
            }, default));
        Assert.Equal((Limit + 1).ToString(), fault.Metadata["asked"]);
        Assert.Equal(0, await store.ReadAsync(db => db.Servers.CountAsync()));
        await store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Servers.AddRange(Enumerable.Range(0, Limit).Select(Row));
            return Task.CompletedTask;
        }, default);
        await store.WriteAsync(Call.Of("test"), async unit =>
        {
            unit.Db.Servers.Remove(await unit.Db.Servers.FirstAsync());
            unit.Db.Servers.Add(Row(Limit));
        }, default);
        Assert.Equal(Limit, await store.ReadAsync(db => db.Servers.CountAsync()));
    }

    static void AssertExact(Exception?[] outcomes)
    {
        Assert.Equal(Limit, outcomes.Count(o => o is null));
        Assert.All(outcomes.OfType<Exception>(), o => Assert.Equal("QUOTA_EXCEEDED", Assert.IsType<Fault>(o).Reason));
    }

    static Store<ComputeDb> Open(TestDatabase database) => new("compute", database.Options,
        o => new SqliteComputeDb(o), o => new PostgresComputeDb(o), TimeProvider.System, NullLoggerFactory.Instance,
        counts: ComputeModule.Counts, limits: new Limited());

    static ServerRow Row(int i) => new()
    {
        Name = "projects/demo/servers/s" + i,
        Project = "demo",
        Flavor = "flavors/f",
        Image = "i",
        ImageSha256 = "0",
        ImageFormat = "raw",
        Hostname = "h",
        Detail = new([], [], []),
    };

    sealed class Limited : IQuotaLimits
    {
        public bool Any(string project) => true;

        public long? Of(string project, string quota) => quota == "servers" ? Limit : null;
    }
}
