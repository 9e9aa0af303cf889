using CsCheck;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Addresses;
using Monolith.Network.Contracts;
using Monolith.Network.V1;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Network;

public class AllocationTests
{
    const int Owners = 24;

    enum Act { Claim, ClaimAgain, Choose, Release, ReleaseAgain, Wait, Reserve, Unreserve, Exclude, Quarantine }

    /// <summary>Random lives of a small pool, checked against a model after every step.</summary>
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ClaimsAndReleases_InAnyOrder_NeverShareAnAddressAndAlwaysAddUp(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        var pool = 0;
        var acts = Gen.Select(Gen.Enum<Act>(), Gen.Int[0, Owners - 1], Gen.Int[0, 15]).List[1, 60];
        await acts.SampleAsync(async steps =>
        {
            var life = new PoolLife(net, Interlocked.Increment(ref pool));
            await life.MakeAsync();
            foreach (var (act, owner, number) in steps)
            {
                await life.DoAsync(act, owner, number);
                await life.CheckAsync();
            }
        }, iter: 40, threads: 1);
    }

    /// <summary>A /28 with two addresses excluded, in a network of its own.</summary>
    sealed class PoolLife(NetworkFixture net, int id)
    {
        readonly Guid[] uids = [.. Enumerable.Range(0, Owners).Select(_ => Guid.CreateVersion7())];
        readonly Dictionary<int, string> held = [];
        /// <summary>Until when a released address is nobody's.</summary>
        readonly Dictionary<string, DateTimeOffset> released = [];
        readonly HashSet<string> excluded = [Address(id, 3), Address(id, 9)];
        readonly Dictionary<int, (string Id, bool Ours)> reserved = [];
        TimeSpan quarantine = NetworkFixture.Options.Quarantine;
        int reservations;

        static string Address(int id, int number) => $"10.{id / 256}.{id % 256}.{number}";

        string Name => $"life{id}";

        public async Task MakeAsync()
        {
            await net.Pools.CreateAddressPool(new CreateAddressPoolRequest
            {
                AddressPoolId = Name,
                AddressPool = new() { Prefixes = { Address(id, 0) + "/28" }, Exclusions = { excluded } },
            }, NetworkFixture.Call());
            await net.NetworkAsync("p", Name, Name);
        }

        public async Task DoAsync(Act act, int owner, int number)
        {
            switch (act)
            {
                case Act.Claim or Act.ClaimAgain:
                    await ClaimAsync(owner, "");
                    break;
                case Act.Choose:
                    await ClaimAsync(owner, Address(id, number));
                    break;
                case Act.Release or Act.ReleaseAgain:
                    await net.Owned.ReleaseAsync(uids[owner], default);
                    if (held.Remove(owner, out var address)) released[address] = net.Time.GetUtcNow() + quarantine;
                    break;
                case Act.Reserve:
                    await ReserveAsync(number, owner % 2 == 0);
                    break;
                case Act.Unreserve:
                    if (!reserved.Remove(number, out var gone)) break;
                    await net.UnreserveAsync(gone.Id, Name);
                    break;
                case Act.Exclude:
                    await ExcludeAsync(number);
                    break;
                case Act.Quarantine:
                    quarantine = TimeSpan.FromSeconds(number * 10);
                    await UpdateAsync(new() { Quarantine = quarantine.ToDuration() }, "quarantine");
                    break;
                default:
                    net.Time.Advance(TimeSpan.FromSeconds(number * 5));
                    break;
            }
        }

        async Task ClaimAsync(int owner, string address)
        {
            var claim = new PortClaim("p", $"projects/p/servers/s{owner}", uids[owner], 0,
                $"projects/p/networks/{Name}", [], address, "");
            try
            {
                var port = (await net.Owned.ClaimAsync([claim], default))[0];
                var given = Assert.Single(port.Addresses);
                if (held.TryGetValue(owner, out var before))
                {
                    Assert.Equal(before, given);
                    return;
                }
                if (address.Length > 0) Assert.Equal(address, given);
                var reservation = ReservationOf(given);
                Assert.True(reservation is null || (reservation.Value.Ours && address.Length > 0),
                    $"{given} is reserved, and was given to who did not choose it");
                Assert.DoesNotContain(given, held.Values);
                Assert.DoesNotContain(given, excluded);
                Assert.False(InQuarantine(given), $"{given} was released a moment ago");
                held[owner] = given;
            }
            catch (Fault fault) when (fault.Reason == "ADDRESS_NOT_FREE")
            {
                Assert.True(held.ContainsValue(address) || excluded.Contains(address) || InQuarantine(address)
                    || ReservationOf(address) is { Ours: false });
            }
            catch (Fault fault) when (fault.Reason == "ADDRESS_POOL_EXHAUSTED")
            {
                var free = Enumerable.Range(0, 16).Select(n => Address(id, n)).Count(a =>
                    !held.ContainsValue(a) && !excluded.Contains(a) && !InQuarantine(a) && ReservationOf(a) is null);
                Assert.Equal(0, free);
                Assert.Equal($"{held.Count}", fault.Metadata["used"]);
            }
        }

        bool InQuarantine(string address) => released.TryGetValue(address, out var until) && net.Time.GetUtcNow() < until;

        (string Id, bool Ours)? ReservationOf(string address) =>
            reserved.TryGetValue(int.Parse(address[(address.LastIndexOf('.') + 1)..],
                System.Globalization.CultureInfo.InvariantCulture), out var found) ? found : null;

        async Task ReserveAsync(int number, bool ours)
        {
            var address = Address(id, number);
            var reservation = $"r{reservations++}";
            try
            {
                await net.ReserveAsync(reservation, address, ours ? "projects/p" : "", pool: Name);
                Assert.False(reserved.ContainsKey(number) || excluded.Contains(address));
                Assert.True(ours || !held.ContainsValue(address));
                reserved[number] = (reservation, ours);
            }
            catch (Fault fault) when (fault.Reason is "INVALID_REQUEST")
            {
                Assert.True(reserved.ContainsKey(number) || excluded.Contains(address));
            }
            catch (Fault fault) when (fault.Reason is "ADDRESS_IN_USE")
            {
                Assert.True(!ours && held.ContainsValue(address));
            }
        }

        /// <summary>Excludes an address, or gives one back that is.</summary>
        async Task ExcludeAsync(int number)
        {
            var address = Address(id, number);
            var wanted = excluded.Contains(address) ? excluded.Where(a => a != address) : excluded.Append(address);
            var change = new AddressPool { Exclusions = { wanted } };
            try
            {
                await UpdateAsync(change, "exclusions");
                excluded.Clear();
                excluded.UnionWith(change.Exclusions);
            }
            catch (Fault fault) when (fault.Reason is "ADDRESS_IN_USE" or "ADDRESS_RESERVED")
            {
                Assert.True(held.ContainsValue(address) || InQuarantine(address) || ReservationOf(address) is not null);
            }
        }

        Task UpdateAsync(AddressPool change, string mask)
        {
            change.Name = "addressPools/" + Name;
            return net.Pools.UpdateAddressPool(new UpdateAddressPoolRequest
            {
                AddressPool = change,
                UpdateMask = FieldMask.FromString(mask),
            }, NetworkFixture.Call());
        }

        public async Task CheckAsync()
        {
            var seen = await net.PoolAsync(Name);
            var all16 = Enumerable.Range(0, 16).Select(n => Address(id, n)).ToList();
            var free = all16.Count(a => !excluded.Contains(a) && !held.ContainsValue(a) && ReservationOf(a) is null);
            var waiting = all16.Count(a => !excluded.Contains(a) && !held.ContainsValue(a) && ReservationOf(a) is null
                && InQuarantine(a));
            var kept = all16.Count(a => ReservationOf(a) is not null && !held.ContainsValue(a));
            Assert.Equal((16L - excluded.Count, (long)held.Count, (long)excluded.Count, (long)kept, (long)waiting, (long)free - waiting),
                (seen.AddressCount, seen.UsedCount, seen.ExcludedCount, seen.ReservedCount, seen.QuarantinedCount,
                    seen.FreeCount));
            var uid = Guid.Parse(seen.Uid);
            var (rows, ranges) = await net.Store.ReadAsync(async db => (
                await db.Addresses.Where(a => a.PoolUid == uid).Select(a => a.Address).ToListAsync(),
                await db.FreeRanges.Where(r => r.PoolUid == uid
                    || db.Reservations.Any(v => v.PoolUid == uid && v.Uid == r.PoolUid)).ToListAsync()));
            Assert.Equal(held.Values.Order(), rows.Select(r => Ip.OfKey(r).ToString()).Order());
            // Held and free are the pool: nothing is lost, nothing is there twice.
            var all = ranges.Select(r => new IpRange(Ip.OfKey(r.First), Ip.OfKey(r.Last)))
                .Concat(rows.Select(r => new IpRange(Ip.OfKey(r), Ip.OfKey(r)))).ToList();
            Assert.Equal(seen.AddressCount, all.Sum(r => (long)r.Count));
            Assert.Equal(seen.AddressCount, AddressSpace.Count(AddressSpace.Union(all)));
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Claim_TwoHundredAtOnce_GivesEachItsOwnAndThenSaysThatThePoolIsFull(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/24");
        var facts = await Task.WhenAll(Enumerable.Range(0, 200)
            .Select(i => Task.Run(() => net.ClaimAsync(Guid.CreateVersion7(), "web" + i))));
        Assert.Equal(200, facts.SelectMany(f => f.Addresses).Distinct().Count());
        Assert.Equal(200, facts.Select(f => f.MacAddress).Distinct().Count());
        Assert.Equal(200, facts.Select(f => f.Name).Distinct().Count());

        // Every address of a prefix is a /32 of its own, the first and the last as well.
        for (var i = 0; i < 56; i++) await net.ClaimAsync(Guid.CreateVersion7(), "more" + i);
        Assert.Equal(256, (await net.PoolAsync("servers")).UsedCount);
        var fault = await Expect.FaultAsync(StatusCode.ResourceExhausted, "ADDRESS_POOL_EXHAUSTED",
            () => net.ClaimAsync(Guid.CreateVersion7(), "last"));
        Assert.Equal(("addressPools/servers", "256", "256"),
            (fault.Metadata["pool"], fault.Metadata["used"], fault.Metadata["total"]));
        Assert.Contains("add a prefix", fault.Message, StringComparison.Ordinal);
        Assert.Equal(256, (await net.PoolAsync("servers")).UsedCount);
    }

    // The plan is read in SQLite's words.
    [Fact]
    public async Task Claim_FromAMillionAddresses_NinetyFivePerCentHeld_IsOneIndexedLookUp()
    {
        await using var net = await NetworkFixture.StartAsync("sqlite");
        await net.PrepareAsync("10.0.0.0/12");
        var pool = Guid.Parse((await net.PoolAsync("servers")).Uid);
        // The worst case: what is free lies scattered, one address in twenty.
        await net.Store.WriteAsync(Monolith.Platform.Calls.Call.Of("test"), async unit =>
        {
            await unit.Db.FreeRanges.ExecuteDeleteAsync();
            await unit.Db.Database.ExecuteSqlRawAsync("""
                WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 52427)
                INSERT INTO free_ranges (Last, First, PoolUid, Family, FreeAfter)
                SELECT printf('4%08x', 167772160 + i * 20), printf('4%08x', 167772160 + i * 20), {0}, 4,
                    '2000-01-01 00:00:00' FROM n
                """, pool.ToString().ToUpperInvariant());
        }, default);
        var plan = await net.Store.ReadAsync(async db =>
        {
            await using var command = AddressBook.Next.Compile()(db, pool, 4, DateTime.UtcNow).CreateDbCommand();
            command.CommandText = "EXPLAIN QUERY PLAN " + command.CommandText;
            await db.Database.OpenConnectionAsync();
            await using var reader = await command.ExecuteReaderAsync();
            var lines = new List<string>();
            while (await reader.ReadAsync()) lines.Add(reader.GetString(3));
            return string.Join('\n', lines);
        });
        Assert.Contains("IX_free_ranges_PoolUid_Family_FreeAfter_First", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("TEMP B-TREE", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("SCAN", plan, StringComparison.Ordinal);

        const int claims = 500;
        for (var i = 0; i < 100; i++) await net.ClaimAsync(Guid.CreateVersion7(), "warm" + i);
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        var busy = Environment.CpuUsage.TotalTime;
        var facts = await Task.WhenAll(Enumerable.Range(0, claims)
            .Select(i => Task.Run(() => net.ClaimAsync(Guid.CreateVersion7(), "web" + i))));
        var took = System.Diagnostics.Stopwatch.GetElapsedTime(started);
        Xunit.TestContext.Current.TestOutputHelper?.WriteLine(
            $"{claims / took.TotalSeconds:f0} claims/s, {(Environment.CpuUsage.TotalTime - busy).TotalMilliseconds / claims:f1} ms of CPU each");
        Assert.Equal(claims, facts.SelectMany(f => f.Addresses).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Release_OfAllAddresses_FoldsThePoolTogetherAgain(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("2001:db8::/64", "10.64.0.0/24");
        var owners = Enumerable.Range(0, 60).Select(_ => Guid.CreateVersion7()).ToList();
        for (var round = 0; round < 3; round++)
        {
            foreach (var owner in owners) Assert.Equal(2, (await net.ClaimAsync(owner)).Addresses.Count);
            foreach (var owner in owners) await net.Owned.ReleaseAsync(owner, default);
            net.Time.Advance(TimeSpan.FromMinutes(2));
        }
        foreach (var owner in owners.Take(40))
        {
            await net.ClaimAsync(owner);
            await net.Owned.ReleaseAsync(owner, default);
            net.Time.Advance(TimeSpan.FromMinutes(2));
        }
        var rows = await net.Store.ReadAsync(db => db.FreeRanges.CountAsync());
        Assert.InRange(rows, 2, 12);
        Assert.Equal(0, (await net.PoolAsync("servers")).UsedCount);
    }
}
