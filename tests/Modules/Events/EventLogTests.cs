using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Events;
using Monolith.Events.Log;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Events;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Events;

public class EventLogTests
{
    /// <summary>
    /// Relays that lose, repeat and reorder what they send, words that get lost, and a log that is restarted: the log
    /// has each event once, in each module's order, numbered without a gap; and no word was ever ahead of the log.
    /// </summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task EveryEvent_IsInTheLogOnce_WhateverIsLostRepeatedOrRestarted(string provider)
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var database = await TestDatabases.MakeAsync(provider);
        var sources = new[] { "compute", "network", "dns" }.Select(m => new Source(m, random)).ToList();
        var (store, log) = await OpenAsync(database);
        try
        {
            for (var step = 0; step < 600 || sources.Any(s => s.Acknowledged < s.Last); step++)
            {
                if (random.Next(40) == 0)
                {
                    await store.DisposeAsync();
                    (store, log) = await OpenAsync(database);
                }
                var source = sources[random.Next(sources.Count)];
                var batch = source.Send(random);
                if (batch is null || random.Next(4) == 0) continue;
                if (await log.AppendAsync(batch, default) is not { } through) continue;
                var held = await UidsAsync(store);
                Assert.All(source.Events.Where(e => e.Sequence <= through), e => Assert.Contains(e.Uid, held));
                if (random.Next(3) > 0) source.Acknowledge(through);
            }
            var rows = await store.ReadAsync(db => db.Log.OrderBy(l => l.Sequence).ToListAsync());
            Assert.Equal(Enumerable.Range(1, rows.Count).Select(n => (long)n), rows.Select(r => r.Sequence));
            Assert.Equal(sources.Sum(s => s.Events.Count), rows.Count);
            foreach (var source in sources)
                Assert.Equal(source.Events.Select(e => e.Uid),
                    rows.Where(r => r.Type == source.Module).Select(r => r.Uid));
        }
        finally
        {
            await store.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ABatch_ThatDoesNotJoinOn_IsNeitherTakenNorAcknowledged(string provider)
    {
        await using var database = await TestDatabases.MakeAsync(provider);
        var (store, log) = await OpenAsync(database);
        var source = new Source("compute", new Random(1));
        Assert.Null(await log.AppendAsync(new EventsCommitted("compute", source.Events[0].Sequence,
            [source.Events[1]]), default));
        Assert.Empty(await UidsAsync(store));
        await store.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Trimming_RemovesTheOldest_AndRemembersWhere(string provider)
    {
        await using var database = await TestDatabases.MakeAsync(provider);
        var (store, log) = await OpenAsync(database);
        var source = new Source("compute", new Random(1));
        await log.AppendAsync(new EventsCommitted("compute", 0, source.Events), default);
        while (await log.TrimAsync(source.Events[50].Time, 20, default))
        {
        }
        var ends = await log.EndsAsync();
        Assert.Equal((50, source.Events.Count), (ends.TrimmedThrough, ends.Last));
        Assert.Equal(51, await store.ReadAsync(db => db.Log.MinAsync(l => l.Sequence)));
        await store.DisposeAsync();
    }

    static async Task<(Store<EventsDb>, EventLog)> OpenAsync(TestDatabase database)
    {
        var store = new Store<EventsDb>("events", database.Options, o => new SqliteEventsDb(o),
            o => new PostgresEventsDb(o), TimeProvider.System, NullLoggerFactory.Instance);
        await store.OpenAsync(default);
        var log = new EventLog(store, NullLogger<EventLog>.Instance);
        await log.StartAsync(default);
        return (store, log);
    }

    static async Task<HashSet<Guid>> UidsAsync(Store<EventsDb> store) =>
        [.. await store.ReadAsync(db => db.Log.Select(l => l.Uid).ToListAsync())];

    /// <summary>A module whose numbers have gaps, and its relay, which may begin again before its last word at any time.</summary>
    sealed class Source
    {
        readonly List<EventsCommitted> delayed = [];
        long sent;

        public Source(string module, Random random)
        {
            Module = module;
            var sequence = 0L;
            var time = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
            for (var i = 0; i < 100; i++)
                Events.Add(new EventEnvelope(sequence += 1 + random.Next(3) / 2, Guid.CreateVersion7(), module, "r",
                    "p", time.AddSeconds(i), "users/u", "", "", "x", []));
        }

        public string Module { get; }
        public List<EventEnvelope> Events { get; } = [];
        public long Last => Events[^1].Sequence;
        public long Acknowledged { get; private set; }

        public void Acknowledge(long through) => Acknowledged = Math.Max(Acknowledged, through);

        public EventsCommitted? Send(Random random)
        {
            if (delayed.Count > 0 && random.Next(3) == 0) return delayed[random.Next(delayed.Count)];
            if (random.Next(5) == 0 || sent >= Last) sent = Acknowledged;
            var events = Events.Where(e => e.Sequence > sent).Take(1 + random.Next(12)).ToList();
            if (events.Count == 0) return null;
            var batch = new EventsCommitted(Module, sent, events);
            sent = events[^1].Sequence;
            if (random.Next(4) > 0) return batch;
            delayed.Add(batch);
            return null;
        }
    }
}
