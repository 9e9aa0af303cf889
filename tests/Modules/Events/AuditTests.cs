using CsCheck;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Events;
using Monolith.Events.Audit;
using Monolith.Events.Contracts;
using Monolith.Events.Log;
using Monolith.Events.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Events;
using Monolith.Platform.Storage;
using Monolith.Protos;
using AuditService = Monolith.Events.Audit.AuditService;

namespace Monolith.Modules.Tests.Events;

public class AuditTests
{
    static readonly Gen<AuditEntry> Entries =
        Gen.Select(Gen.Long[0, 4_000_000_000_000_000], Gen.String[0, 8].Array[11], Gen.Int[0, 16], Gen.Int[1, 9]).Select(
            (micros, text, code, count) => new AuditEntry
            {
                Time = new Timestamp { Seconds = micros / 1_000_000, Nanos = (int)(micros % 1_000_000 * 1000) },
                Caller = Sound(text[0]),
                Credential = Sound(text[1]),
                Peer = Sound(text[2]),
                Method = Sound(text[3]),
                Resource = Sound(text[4]),
                Project = Sound(text[5]),
                Code = code,
                Reason = Sound(text[6]),
                RequestId = Sound(text[7]),
                TraceId = Sound(text[8]),
                EventType = Sound(text[9]),
                EventUid = Sound(text[10]),
                Count = count,
            });

    /// <summary>UTF-8 knows nothing else.</summary>
    static string Sound(string text) => string.Concat(text.EnumerateRunes());

    /// <summary>Any one field of any entry changed by any amount, an entry taken out, or two of them exchanged: it is
    /// noticed, and at the place.</summary>
    [Fact]
    public void WhateverIsChanged_TheChainDoesNotFit() =>
        Gen.Select(Entries.Array[1, 12], Entries, Gen.Int[0, 11], Gen.Int[0, 16]).Sample((entries, other, place, what) =>
        {
            var at = place % entries.Length;
            var chain = Chained(entries);
            Assert.Null(AuditTrail.Verify(0, [], chain).Fault);
            if (what == 16) chain.RemoveAt(at);
            else
            {
                var field = AuditEntry.Descriptor.FindFieldByNumber(what + 1)!;
                var was = chain[at].Clone();
                if (field.Name == "digest") chain[at].Digest = ByteString.CopyFrom(new byte[AuditDigest.Length]);
                else if (field.Name == "sequence") chain[at].Sequence += 7;
                else field.Accessor.SetValue(chain[at], field.Accessor.GetValue(other));
                if (chain[at].Equals(was)) return;
            }
            var (_, fault) = AuditTrail.Verify(0, [], chain);
            // The end of the log is known besides: what was cut off there is missed against that.
            if (what == 16 && at == entries.Length - 1) Assert.Null(fault);
            else Assert.Equal(at + 1, fault!.Sequence);
        });

    /// <summary>Two texts that are one when written side by side are told apart.</summary>
    [Fact]
    public void WhereATextEnds_IsPartOfTheDigest() => Assert.NotEqual(
        AuditDigest.Of([], new() { Caller = "ab", Credential = "c" }), AuditDigest.Of([], new() { Caller = "a", Credential = "bc" }));

    /// <summary>As <c>audit.proto</c> says, by hand.</summary>
    [Fact]
    public void TheDigest_IsWhatTheProtoSays()
    {
        var bytes = new List<byte>(new byte[32]);
        void Number(long n) => bytes.AddRange(BitConverter.GetBytes(n).Reverse());
        void Text(string t)
        {
            bytes.AddRange(BitConverter.GetBytes(System.Text.Encoding.UTF8.GetByteCount(t)).Reverse());
            bytes.AddRange(System.Text.Encoding.UTF8.GetBytes(t));
        }
        Number(1);
        Number(1_000_002);
        foreach (var text in new[] { "users/ö", "c", "p", "m", "r", "projects/x" }) Text(text);
        Number(7);
        foreach (var text in new[] { "WHY", "q", "t", "e", "u" }) Text(text);
        Number(3);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(bytes.ToArray()), AuditDigest.Of([], new()
        {
            Sequence = 1, Time = new Timestamp { Seconds = 1, Nanos = 2000 }, Caller = "users/ö", Credential = "c", Peer = "p", Method = "m",
            Resource = "r", Project = "projects/x", Code = 7, Reason = "WHY", RequestId = "q", TraceId = "t", EventType = "e", EventUid = "u",
            Count = 3,
        }));
    }

    /// <summary>
    /// An hour of a flood, by who shows nothing and by who does, each call about something else: a few hundred entries, and not
    /// one call forgotten; and who is refused once in it is told of by name.
    /// </summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AFlood_FillsNothing_ForgetsNothing_AndHidesNobody(string provider)
    {
        await using var log = await Log.OpenAsync(provider);
        var calls = 0;
        for (var second = 1; second <= 180; second++)
        {
            for (var i = 0; i < 200; i++)
            {
                log.Writer.Note(Refused($"projects/p{++calls}/servers/x", caller: ""));
                log.Writer.Note(Refused($"projects/p{++calls}/servers/x", caller: "users/loop"));
            }
            if (second == 90) log.Writer.Note(Refused("projects/p/servers/once", trace: "the-trace"));
            await log.Writer.FlushAsync(second % 60 == 0, default);
        }
        var entries = await log.EntriesAsync();
        Assert.Equal(calls + 1, entries.Sum(e => e.Count));
        Assert.InRange(entries.Count, 2, 3 * (AuditTally.OfACaller + AuditTally.OfAnAddress + 2) + 1);
        Assert.Null(AuditTrail.Verify(0, [], entries).Fault);
        var once = Assert.Single(entries, e => e.Resource == "projects/p/servers/once");
        Assert.Equal(("users/eve", 1, "the-trace", "PERMISSION_MISSING"), (once.Caller, once.Count, once.TraceId, once.Reason));
        Assert.Equal(["", "users/loop"], entries.Where(e => e.Count > 1).Select(e => e.Caller).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AddressesWithoutEnd_AreBoundedToo()
    {
        var tally = new AuditTally();
        for (var i = 0; i < 20_000; i++) tally.Add(Refused("projects/p", caller: "", peer: $"192.0.{i / 256}.{i % 256}"), default);
        Assert.InRange(tally.Exact.Count, 1, AuditTally.MaxDifferent);
        Assert.InRange(tally.Blurred.Count, 1, AuditTally.MaxDifferent + 20);
        Assert.Equal(20_000, tally.Exact.Values.Concat(tally.Blurred.Values).Sum(w => w.Count));
        // What could not be written for an hour is still bounded, and all there.
        for (var i = 0; i < 50; i++)
        {
            var taken = tally.TakeExact();
            for (var n = 0; n < 400; n++) tally.Add(Refused($"projects/p{i}-{n}", caller: $"users/u{n}"), default);
            tally.PutBack(taken);
        }
        Assert.InRange(tally.Exact.Count, 1, 2 * AuditTally.MaxDifferent);
        Assert.Equal(40_000, tally.Exact.Values.Concat(tally.Blurred.Values).Sum(w => w.Count));
    }

    /// <summary>A stream that is opened again and again within a second is recorded once, and counted.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatIsRecorded_IsThereAtOnce_AndTheSameAgainIsCounted(string provider)
    {
        await using var log = await Log.OpenAsync(provider);
        for (var i = 0; i < 5; i++) await log.Writer.RecordAsync(Refused("projects/p/images/i", trace: $"{i}"), default);
        Assert.Equal("0", Assert.Single(await log.EntriesAsync()).TraceId);
        await log.Writer.FlushAsync(all: false, default);
        Assert.Equal([1, 4], (await log.EntriesAsync()).Select(e => e.Count));
        // However many different ones there are.
        for (var i = 0; i < 1_000; i++) await log.Writer.RecordAsync(Refused($"projects/p/images/i{i}", caller: "users/loop"), default);
        await log.Writer.FlushAsync(all: true, default);
        var looped = (await log.EntriesAsync()).Where(e => e.Caller == "users/loop").ToList();
        Assert.Equal((AuditTally.OfACaller + 1, 1_000), (looped.Count, looped.Sum(e => e.Count)));
    }

    /// <summary>A request may name anything, of any length.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatNoDatabaseTakes_IsKeptAsFarAsItCanBe(string provider)
    {
        await using var log = await Log.OpenAsync(provider);
        log.Writer.Note(Refused("projects/\0/servers/\ud800" + new string('x', 5_000_000)));
        await log.Writer.FlushAsync(all: true, default);
        var entry = Assert.Single(await log.EntriesAsync());
        Assert.StartsWith("projects/\ufffd/servers/\ufffdxxx", entry.Resource, StringComparison.Ordinal);
        Assert.InRange(entry.Resource.Length, 200, 301);
        Assert.Null(AuditTrail.Verify(0, [], [entry]).Fault);
    }

    /// <summary>A deed is an entry once, whatever is sent how often; what no call did is none.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnEvent_ThatIsSentAgain_IsNoSecondDeed(string provider)
    {
        await using var log = await Log.OpenAsync(provider);
        EventEnvelope[] events = [Event(1, "/m.S/Create"), Event(2, ""), Event(3, "/m.S/Delete")];
        await log.Events.AppendAsync(new("compute", 0, events[..1]), default);
        await log.Events.AppendAsync(new("compute", 0, events), default);
        await log.Events.AppendAsync(new("compute", 0, events), default);
        var entries = await log.EntriesAsync();
        Assert.Equal(["m.S/Create", "m.S/Delete"], entries.Select(e => e.Method));
        Assert.Equal(
            ("users/ann", "users/ann/tokens/t", "192.0.2.7", "projects/p/servers/1", "projects/p", 0, events[0].Uid.ToString()),
            (entries[0].Caller, entries[0].Credential, entries[0].Peer, entries[0].Resource, entries[0].Project, entries[0].Code,
                entries[0].EventUid));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatIsForgotten_IsForgottenFromTheBeginning_AndTheRestIsStillProved(string provider)
    {
        await using var log = await Log.OpenAsync(provider);
        await log.Events.AppendAsync(
            new("compute", 0, [.. Enumerable.Range(1, 30).Select(n => Event(n, "/m.S/Create"))]), default);
        var all = await log.EntriesAsync();
        while (await log.Store.WriteAsync(FakeCallOf(), unit => AuditTrail.TrimAsync(unit.Db, all[19].Time.ToDateTime(), 7, default), default))
        {
        }
        Assert.Equal(Enumerable.Range(20, 11).Select(n => (long)n), (await log.EntriesAsync()).Select(e => e.Sequence));
        var whole = await log.VerifyAsync(0);
        Assert.Equal(("", 30L, all[^1].Digest), (whole.Fault, whole.Through, whole.Digest));
        Assert.Equal("", (await log.VerifyAsync(19, all[18].Digest)).Fault);
        Assert.Equal("", (await log.VerifyAsync(25, all[24].Digest)).Fault);
        await Expect.FaultAsync(StatusCode.OutOfRange, "ENTRIES_NO_LONGER_KEPT", () => log.VerifyAsync(18, all[17].Digest));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhoeverHasAnAnchor_SeesALogThatWasWrittenAnew(string provider)
    {
        await using var log = await Log.OpenAsync(provider);
        await log.Events.AppendAsync(
            new("compute", 0, [.. Enumerable.Range(1, 9).Select(n => Event(n, "/m.S/Create"))]), default);
        var anchor = (await log.VerifyAsync(0)).Digest;
        // Whoever has the database changes the third entry, and all digests after it, so that the chain fits.
        await log.Store.WriteAsync(FakeCallOf(), async unit =>
        {
            var rows = await unit.Db.AuditEntries.OrderBy(a => a.Sequence).ToListAsync();
            var entries = rows.ConvertAll(r => r.ToProto());
            entries[2].Caller = "users/somebody-else";
            var chained = Chained(entries);
            await unit.Db.AuditEntries.Where(a => a.Sequence == 3).ExecuteUpdateAsync(a => a.SetProperty(x => x.Caller, "users/somebody-else"));
            foreach (var (row, entry) in rows.Zip(chained)) row.Digest = entry.Digest.ToByteArray();
            (await unit.Db.AuditEnds.SingleAsync()).Digest = rows[^1].Digest;
        }, default);
        Assert.Equal("", (await log.VerifyAsync(0)).Fault);
        Assert.Contains("has another digest", (await log.VerifyAsync(9, anchor)).Fault, StringComparison.Ordinal);
        // And cuts off the end, but not what says where it is.
        await log.Store.WriteAsync(FakeCallOf(), unit => unit.Db.AuditEntries.Where(a => a.Sequence > 7).ExecuteDeleteAsync(), default);
        var cut = await log.VerifyAsync(0);
        Assert.Equal((8L, 7L), (cut.FaultSequence, cut.Through));
        Assert.Contains("is missing", (await log.VerifyAsync(12)).Fault, StringComparison.Ordinal);
    }

    static Monolith.Platform.Calls.Call FakeCallOf() => Monolith.Platform.Calls.Call.Of("test");

    static AuditFact Refused(string resource, string peer = "192.0.2.1", string trace = "", string caller = "users/eve") => new(
        caller, "", peer, "/m.S/Get", resource, "", (int)StatusCode.PermissionDenied, "PERMISSION_MISSING", "", trace);

    static EventEnvelope Event(long sequence, string method) => new(sequence, Guid.CreateVersion7(), "monolith.compute.server.created",
        $"projects/p/servers/{sequence}", "p", new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(sequence), "users/ann", "",
        "", "x", [])
    {
        Method = method,
        Credential = "users/ann/tokens/t",
        Peer = "192.0.2.7",
    };

    static List<AuditEntry> Chained(IEnumerable<AuditEntry> entries)
    {
        var (chain, digest) = (new List<AuditEntry>(), Array.Empty<byte>());
        foreach (var entry in entries)
        {
            var placed = entry.Clone();
            placed.Sequence = chain.Count + 1;
            placed.Digest = ByteString.CopyFrom(digest = AuditDigest.Of(digest, placed));
            chain.Add(placed);
        }
        return chain;
    }

    sealed class Log(TestDatabase database, Store<EventsDb> store) : IAsyncDisposable
    {
        public Store<EventsDb> Store => store;
        public EventLog Events { get; } = new(store, NullLogger<EventLog>.Instance);
        public AuditWriter Writer { get; } = new(store, TimeProvider.System, NullLogger<AuditWriter>.Instance);

        public static async Task<Log> OpenAsync(string provider)
        {
            var database = await TestDatabases.MakeAsync(provider);
            var store = new Store<EventsDb>("events", database.Options, o => new SqliteEventsDb(o), o => new PostgresEventsDb(o),
                TimeProvider.System, NullLoggerFactory.Instance);
            await store.OpenAsync(default);
            return new(database, store);
        }

        public Task<List<AuditEntry>> EntriesAsync() => store.ReadAsync(async db =>
            (await db.AuditEntries.OrderBy(a => a.Sequence).ToListAsync()).ConvertAll(a => a.ToProto()));

        public Task<VerifyAuditEntriesResponse> VerifyAsync(long after, ByteString? digest = null) => new AuditService(store)
            .VerifyAuditEntries(new() { After = after, Digest = digest ?? ByteString.Empty }, FakeCall.By(FakeCall.Root));

        public async ValueTask DisposeAsync()
        {
            Writer.Dispose();
            await store.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
