using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Monolith.Identity.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Storage;
using SQLitePCL;

namespace Monolith.Modules.Tests.Quotas;

/// <summary>
/// Usage is what a recount finds, and a limit holds, after whatever was done: random operations, eight at a time, by
/// calls and by what follows from calls; commits that fail; and hosts that die in the middle of it, before a commit or
/// after it, and come again.
/// <code>
///   limits ──▶ many operations at once ──▶ all have ended ──▶ usage = recount ≤ limit ──▶ again, on this host or the next
/// </code>
/// <c>MONOLITH_QUOTA_SEED</c> repeats a seed; which of its operations meet is the scheduler's to say.
/// </summary>
public sealed class RecountTests(ITestOutputHelper output)
{
    const int AtOnce = 8, Round = 64;

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public Task Usage_IsWhatARecountFinds_AndNeverAboveItsLimit(string provider) =>
        RunAsync(provider, operations: 1500, rounds: 3);

    /// <summary>The promise in full where minutes were asked for (<c>make fuzz</c>), and a hundredth of it elsewhere.</summary>
    [Fact]
    [Trait("Kind", "fuzz")]
    public Task Usage_IsWhatARecountFinds_AfterAHundredThousandOperations() =>
        Environment.GetEnvironmentVariable("FUZZ_SECONDS") is null
            ? RunAsync("sqlite", operations: 1_000, rounds: 2)
            : RunAsync("sqlite", operations: 100_000, rounds: 10);

    /// <param name="rounds">Between two deaths of the host, on average.</param>
    async Task RunAsync(string provider, int operations, int rounds)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("MONOLITH_QUOTA_SEED")
            ?? Environment.GetEnvironmentVariable("FUZZ_SEED"), out var given) ? given : Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var (dice, took) = (new Random(seed), Stopwatch.StartNew());
        await using var database = await TestDatabases.MakeAsync(provider);
        await using var recount = Recount.Of(database);
        var fate = new Fate();
        var options = database.Options with { WriterOpened = fate.Watch };
        var host = await QuotaHost.PrepareAsync(await QuotaHost.StartAsync(options));
        var load = new QuotaLoad();
        await load.PrepareAsync(host);
        var (deaths, done) = (0, 0);
        try
        {
            while (done < operations)
            {
                var ceilings = await LimitAsync(host, dice);
                var dies = dice.Next(rounds) == 0;
                fate.Begin(dice.Next(), dies);
                var cut = dies ? dice.Next(Round) : -1;
                using var work = new SemaphoreSlim(AtOnce);
                await Task.WhenAll(Enumerable.Range(0, Round).Select(i => (i, dice.Next())).Select(async operation =>
                {
                    await work.WaitAsync();
                    try
                    {
                        // Where commits have no hook, the connections of the host are cut under it.
                        if (operation.i == cut) await database.CutAsync();
                        await load.DoAsync(host, new Random(operation.Item2));
                    }
                    finally
                    {
                        work.Release();
                    }
                }));
                done += Round;
                if (dies)
                {
                    deaths++;
                    await host.DisposeAsync();
                    await recount.CloseAsync();
                    fate.Revive();
                    host = await QuotaHost.StartAsync(options);
                }
                fate.End();
                await CompareAsync(host, recount, ceilings, $"seed {seed}, after {done} operations");
            }
        }
        finally
        {
            await host.DisposeAsync();
        }
        output.WriteLine($"{done} operations in {took.Elapsed.TotalSeconds:0.0} s: {deaths} deaths of the host, "
            + $"{fate.Refused} commits refused; " + string.Join(", ", load.Outcomes.OrderBy(o => o.Key)
            .Select(o => $"{o.Key} {o.Value}")));
        // A run that never met a limit, or never died, would prove nothing.
        Assert.True(deaths > 0, "the host never died");
        Assert.True(load.Outcomes.GetValueOrDefault("QUOTA_EXCEEDED") > done / 50, "hardly a limit was met");
        Assert.True(load.Outcomes.GetValueOrDefault("done") > done / 10, "hardly anything was done");
    }

    /// <summary>New limits for everything, often below what there is.</summary>
    /// <returns>What usage may come to: the limit, or what there is already.</returns>
    static async Task<Dictionary<(string Project, string Quota), long>> LimitAsync(QuotaHost host, Random dice)
    {
        var ceilings = new Dictionary<(string, string), long>();
        foreach (var project in QuotaLoad.Projects)
        {
            var before = await host.Quotas.GetQuota(new GetQuotaRequest { Name = $"projects/{project}/quota" }, QuotaHost.Admin);
            var limits = before.Usages.Select(u => (u.Quota, Limit: dice.Next(8) == 0
                ? -1
                : (long)(u.Usage * dice.NextDouble() * 2) + dice.Next(3))).ToArray();
            await host.SetAsync(before.Name, limits);
            foreach (var (quota, limit) in limits)
                if (limit >= 0)
                    ceilings[(project, quota)] = Math.Max(limit, before.Usages.Single(u => u.Quota == quota).Usage);
        }
        return ceilings;
    }

    static async Task CompareAsync(QuotaHost host, Recount recount, Dictionary<(string, string), long> ceilings, string when)
    {
        foreach (var project in QuotaLoad.Projects)
        {
            var quota = await host.Quotas.GetQuota(new GetQuotaRequest { Name = $"projects/{project}/quota" }, QuotaHost.Admin);
            foreach (var told in quota.Usages)
            {
                var counted = await recount.OfAsync(project, told.Quota);
                Assert.True(told.Usage == counted,
                    $"{when}: {project} is told to have {told.Usage} {told.Quota}, and has {counted}");
                Assert.True(counted <= ceilings.GetValueOrDefault((project, told.Quota), long.MaxValue),
                    $"{when}: {project} has {counted} {told.Quota}, and may have {told.Limit}");
            }
        }
    }

    /// <summary>What becomes of commits. Asked by SQLite itself; on PostgreSQL connections are cut instead.</summary>
    sealed class Fate
    {
        readonly ConcurrentBag<delegate_commit> kept = [];
        readonly Lock gate = new();
        Random dice = new(0);
        bool refuses, dead;
        int untilDeath = -1;

        public int Refused { get; private set; }

        public void Begin(int seed, bool dies)
        {
            lock (gate) (dice, refuses, untilDeath) = (new(seed), true, dies ? new Random(seed).Next(40) : -1);
        }

        /// <summary>Nothing fails until the next round.</summary>
        public void End()
        {
            lock (gate) (refuses, untilDeath) = (false, -1);
        }

        /// <summary>The next host's commits are its own.</summary>
        public void Revive()
        {
            lock (gate) (dead, refuses, untilDeath) = (false, false, -1);
        }

        public void Watch(string module, DbConnection connection)
        {
            if (connection is not SqliteConnection sqlite) return;
            delegate_commit hook = _ => Refuses() ? 1 : 0;
            kept.Add(hook);
            raw.sqlite3_commit_hook(sqlite.Handle, hook, null);
        }

        bool Refuses()
        {
            lock (gate)
            {
                if (dead) return true;
                // From here on nothing is kept: at once, or once this commit is on the disk.
                if (untilDeath >= 0 && untilDeath-- == 0)
                {
                    dead = true;
                    return dice.Next(2) == 0;
                }
                if (!refuses || dice.Next(50) > 0) return false;
                Refused++;
                return true;
            }
        }
    }
}
