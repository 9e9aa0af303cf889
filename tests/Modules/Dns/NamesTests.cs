using System.Diagnostics;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Monolith.Dns;
using Monolith.Dns.Contracts;
using Monolith.Dns.RecordSets;
using Monolith.Dns.Serving;
using Monolith.Dns.V1;
using Monolith.Dns.Zones;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Modules.Tests.Dns;

public sealed class NamesTests
{
    public static TheoryData<string> Providers => ModuleHost.Providers;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static Task<ModuleHost> StartAsync(string provider) => ModuleHost.StartAsync(provider, s => s.AddDns(new DnsOptions
    {
        Endpoints = [new(IPAddress.Loopback, 0)],
        NameServerAddresses = [IPAddress.Parse("192.0.2.1")],
    }));

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Names_SetAndRemovedAtRandom_AreExactlyTheModels(string provider)
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var host = await StartAsync(provider);
        var (names, store, served) = (host.Get<INames>(), host.Get<Store<DnsDb>>(), host.Get<ServedZones>());
        var owners = Enumerable.Range(0, 8).Select(_ => Guid.CreateVersion7()).ToArray();
        // Each owner has an address range of its own, as the network module gives them out.
        var model = new Dictionary<int, (string Name, string[] Addresses)>();
        var serials = new Dictionary<string, uint>();
        for (var step = 0; step < 300; step++)
        {
            var owner = random.Next(owners.Length);
            if (random.Next(3) == 0)
            {
                await names.RemoveAsync(owners[owner], Cancel);
                model.Remove(owner);
            }
            else
            {
                var name = names.NameFor("demo", $"s{owner}-{random.Next(2)}");
                string[] addresses = [.. new[] { $"10.64.{random.Next(3)}.{owner}", $"fd64::{owner:x}{random.Next(2)}" }
                    .Take(random.Next(1, 3)).Select(a => IPAddress.Parse(a).ToString())];
                for (var repeat = random.Next(1, 3); repeat > 0; repeat--)
                    await names.SetAsync($"projects/demo/servers/s{owner}", owners[owner], name, addresses, Cancel);
                model[owner] = (name, addresses);
            }
            var (sets, zones) = await store.ReadAsync(async db =>
                (await db.RecordSets.ToListAsync(Cancel), await db.Zones.ToDictionaryAsync(z => z.Uid, Cancel)));
            var actual = sets.Where(s => s.Owner != "dns/nameServer")
                .SelectMany(s => s.ValueList.Select(v => $"{zones[s.ZoneUid].Absolute(s.Domain)} {s.Type} {v}")).Order();
            var wanted = model.Values.SelectMany(m => m.Addresses.SelectMany(a => new[]
            {
                $"{m.Name} {(a.Contains(':') ? "AAAA" : "A")} {a}",
                $"{Arpa(a)} PTR {m.Name}.",
            })).Order();
            Assert.Equal(wanted, actual);
            foreach (var zone in zones.Values)
            {
                var snapshot = served.Table.Find(DnsName.Encode(zone.Domain))!;
                Assert.Equal(zone.Serial, snapshot.Serial);
                Assert.True(zone.Serial >= serials.GetValueOrDefault(zone.Domain));
                serials[zone.Domain] = zone.Serial;
            }
            foreach (var (name, addresses) in model.Values)
                foreach (var type in addresses.Select(a => a.Contains(':') ? RecordType.AAAA : RecordType.A))
                    Assert.Single(Answering.Answer(DnsName.Encode(name), type, 1, served.Table).Answer);
        }
        foreach (var owner in owners) await names.RemoveAsync(owner, Cancel);
        Assert.Empty(await store.ReadAsync(db => db.RecordSets.Where(r => r.Owner != "dns/nameServer").ToListAsync(Cancel)));
        Assert.Equal(served.Table.Values.Sum(z => z.Names.Count), served.Table.Count + 1);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Serial_WithEachChange_RisesByOneAndNotOtherwise(string provider)
    {
        await using var host = await StartAsync(provider);
        var names = host.Get<INames>();
        var owner = Guid.CreateVersion7();
        var before = await SerialAsync(host);
        await names.SetAsync("projects/demo/servers/a", owner, "a.demo.cloud.internal", ["10.64.0.1"], Cancel);
        Assert.Equal(before + 1, await SerialAsync(host));
        await names.SetAsync("projects/demo/servers/a", owner, "a.demo.cloud.internal", ["10.64.0.1"], Cancel);
        Assert.Equal(before + 1, await SerialAsync(host));
        await names.RemoveAsync(owner, Cancel);
        await names.RemoveAsync(owner, Cancel);
        Assert.Equal(before + 2, await SerialAsync(host));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Set_ForANewIncarnation_TakesTheNameOverAndTheOldOnesRemovalLeavesIt(string provider)
    {
        await using var host = await StartAsync(provider);
        var (names, old, young) = (host.Get<INames>(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await names.SetAsync("projects/demo/servers/a", old, "a.demo.cloud.internal", ["10.64.0.1"], Cancel);
        await names.SetAsync("projects/demo/servers/a", young, "a.demo.cloud.internal", ["10.64.0.2"], Cancel);
        await names.RemoveAsync(old, Cancel);
        var left = await host.Get<Store<DnsDb>>().ReadAsync(db => db.RecordSets.Where(r => r.OwnerUid == young)
            .Select(r => r.Type + " " + r.Values).ToListAsync(Cancel));
        Assert.Equal(["A 10.64.0.2", "PTR a.demo.cloud.internal."], left.Order());
        var fault = await Assert.ThrowsAsync<Fault>(() => names.SetAsync("projects/demo/loadBalancers/a",
            Guid.CreateVersion7(), "a.demo.cloud.internal", ["10.96.0.1"], Cancel));
        Assert.Equal("NAME_TAKEN", fault.Reason);
    }

    /// <summary>The look ahead says what the write would say.</summary>
    [Theory]
    [MemberData(nameof(Providers))]
    public async Task FindObstacle_SaysWhoHasTheName_AsSetDoes(string provider)
    {
        await using var host = await StartAsync(provider);
        var (names, sets) = (host.Get<INames>(), host.Make<Monolith.Dns.RecordSets.RecordSetService>());
        const string Zone = "projects/system/zones/cloud-internal";
        await sets.CreateRecordSet(Request(Zone, "hand.demo", "AAAA", "fd64::9"), new FakeCall());
        await sets.CreateRecordSet(Request(Zone, "alias.demo", "CNAME", "x.test."), new FakeCall());
        await sets.CreateRecordSet(Request(Zone, "text.demo", "TXT", "\"hello\""), new FakeCall());
        await names.SetAsync("projects/demo/loadBalancers/owned", Guid.CreateVersion7(), "owned.demo.cloud.internal",
            ["10.96.0.1"], Cancel);
        foreach (var (id, obstacle) in new[]
        {
            ("hand", "made by hand. Delete projects/system/zones/cloud-internal/recordSets/hand.demo.AAAA"),
            ("alias", "made by hand. Delete projects/system/zones/cloud-internal/recordSets/alias.demo.CNAME"),
            ("owned", "owned.demo.cloud.internal is the name of projects/demo/loadBalancers/owned."),
            ("text", null), ("free", null),
        })
        {
            var (owner, name) = ("projects/demo/servers/" + id, names.NameFor("demo", id));
            var found = await names.FindObstacleAsync(owner, name, Cancel);
            var set = await Record.ExceptionAsync(() => names.SetAsync(owner, Guid.CreateVersion7(), name,
                ["10.64.0.1"], Cancel));
            Assert.Equal(found, (set as Fault)?.Message);
            if (obstacle is null) Assert.Null(found);
            else Assert.Contains(obstacle, found, StringComparison.Ordinal);
        }
        // What an earlier incarnation holds is in nobody's way.
        Assert.Null(await names.FindObstacleAsync("projects/demo/servers/free", "free.demo.cloud.internal", Cancel));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task RecordSets_MadeByHand_AreServedWhenTheCallReturnsAndOwnedOnesRefused(string provider)
    {
        await using var host = await StartAsync(provider);
        var (zones, sets) = (host.Make<Monolith.Dns.Zones.ZoneService>(), host.Make<Monolith.Dns.RecordSets.RecordSetService>());
        var served = host.Get<ServedZones>();
        var zone = await zones.CreateZone(new CreateZoneRequest
        {
            Parent = "projects/demo",
            ZoneId = "example",
            Zone = new() { Domain = "example.org" },
        }, new FakeCall());
        var made = await sets.CreateRecordSet(Request(zone.Name, "www", "A", "10.0.0.1"), new FakeCall());
        Assert.Equal("projects/demo/zones/example/recordSets/www.A", made.Name);
        Assert.Equal([10, 0, 0, 1], Answer("www.example.org")!.Data[0]);
        var alias = await Assert.ThrowsAsync<Fault>(() => sets.CreateRecordSet(Request(zone.Name, "www", "CNAME", "x.test."),
            new FakeCall()));
        Assert.Equal("ALIAS_STANDS_ALONE", alias.Reason);
        made.Values[0] = "10.0.0.2";
        await sets.UpdateRecordSet(new UpdateRecordSetRequest { RecordSet = made }, new FakeCall());
        Assert.Equal([10, 0, 0, 2], Answer("www.example.org")!.Data[0]);
        await sets.DeleteRecordSet(new DeleteRecordSetRequest { Name = made.Name }, new FakeCall());
        Assert.Null(Answer("www.example.org"));

        await host.Get<INames>().SetAsync("projects/demo/servers/a", Guid.CreateVersion7(), "a.demo.cloud.internal",
            ["10.64.0.1"], Cancel);
        var owned = await Assert.ThrowsAsync<Fault>(() => sets.DeleteRecordSet(new DeleteRecordSetRequest
        { Name = "projects/system/zones/cloud-internal/recordSets/a.demo.A" }, new FakeCall()));
        Assert.Equal("RECORD_SET_OWNED", owned.Reason);
        foreach (var (project, domain, reason) in new[]
        {
            ("demo", "example.org", "DOMAIN_TAKEN"), ("other", "sub.example.org", "DOMAIN_OVERLAPS"),
            ("other", "org", "DOMAIN_OVERLAPS"), ("other", "x.cloud.internal", "INVALID_REQUEST"),
            ("other", "10.in-addr.arpa", "INVALID_REQUEST"),
        })
            Assert.Equal(reason, (await Assert.ThrowsAsync<Fault>(() => zones.CreateZone(new CreateZoneRequest
            { Parent = "projects/" + project, ZoneId = "z", Zone = new() { Domain = domain } }, new FakeCall()))).Reason);
        await zones.DeleteZone(new DeleteZoneRequest { Name = zone.Name }, new FakeCall());
        Assert.Null(served.Table.Find(DnsName.Encode("example.org")));

        ServedSet? Answer(string name) => Answering.Answer(DnsName.Encode(name), RecordType.A, 1, served.Table).Answer
            .Select(a => a.Set).FirstOrDefault();
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    [Trait("Needs", "dig")]
    public async Task Server_AskedByDig_AnswersForwardAndReverseByUdpAndTcp(string provider)
    {
        await using var host = await StartAsync(provider);
        await host.Get<INames>().SetAsync("projects/demo/servers/web1", Guid.CreateVersion7(), "web1.demo.cloud.internal",
            ["10.64.0.3", "fd64::3"], Cancel);
        var port = host.Get<DnsServer>().Bound[0].Port;
        foreach (var transport in new[] { "+notcp", "+tcp" })
        {
            Assert.Equal("10.64.0.3\n", await DigAsync(port, transport, "+short", "web1.demo.cloud.internal", "A"));
            Assert.Equal("fd64::3\n", await DigAsync(port, transport, "+short", "web1.demo.cloud.internal", "AAAA"));
            Assert.Equal("web1.demo.cloud.internal.\n", await DigAsync(port, transport, "+short", "-x", "10.64.0.3"));
            Assert.Equal("web1.demo.cloud.internal.\n", await DigAsync(port, transport, "+short", "-x", "fd64::3"));
            Assert.Equal("192.0.2.1\n", await DigAsync(port, transport, "+short", "ns1.cloud.internal", "A"));
            var missing = await DigAsync(port, transport, "nobody.demo.cloud.internal", "A");
            Assert.Contains("status: NXDOMAIN", missing);
            Assert.Contains("flags: qr aa", missing);
            Assert.Contains("SOA\tns1.cloud.internal. hostmaster.cloud.internal.", missing);
            Assert.Contains("status: REFUSED", await DigAsync(port, transport, "example.com", "A"));
            Assert.Contains("status: NOTIMP", await DigAsync(port, transport, "+opcode=notify", "cloud.internal", "SOA"));
            Assert.Contains("status: BADVERS", await DigAsync(port, transport, "+edns=9", "+noednsneg", "cloud.internal", "SOA"));
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Server_OverTcp_AnswersPipelinedQueriesAndLetsSilentClientsGo(string provider)
    {
        await using var host = await ModuleHost.StartAsync(provider, s => s.AddDns(new DnsOptions
        { Endpoints = [new(IPAddress.Loopback, 0)], TcpIdle = TimeSpan.FromMilliseconds(200) }));
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(host.Get<DnsServer>().Bound[0], Cancel);
        var stream = client.GetStream();
        byte[] name = DnsName.Encode("cloud.internal");
        byte[] Query(byte id) => [0, (byte)(16 + name.Length), 0, id, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name, 0, 6, 0, 1];
        await stream.WriteAsync(Enumerable.Range(1, 50).SelectMany(i => Query((byte)i)).ToArray(), Cancel);
        var head = new byte[2];
        for (byte i = 1; i <= 50; i++)
        {
            await stream.ReadExactlyAsync(head, Cancel);
            var answer = new byte[head[0] << 8 | head[1]];
            await stream.ReadExactlyAsync(answer, Cancel);
            Assert.Equal(i, answer[1]);
            Assert.Equal(1, answer[7]);
        }
        // Silence: the server closes, which reads as the end.
        Assert.Equal(0, await stream.ReadAsync(head, Cancel));
    }

    static CreateRecordSetRequest Request(string parent, string domain, string type, string value) => new()
    { Parent = parent, RecordSet = new() { Domain = domain, Type = type, Values = { value } } };

    static Task<uint> SerialAsync(ModuleHost host) => host.Get<Store<DnsDb>>().ReadAsync(db =>
        db.Zones.Where(z => z.Domain == "cloud.internal").Select(z => z.Serial).FirstAsync(Cancel));

    static string Arpa(string address)
    {
        var octets = IPAddress.Parse(address).GetAddressBytes();
        return octets.Length == 4
            ? string.Join('.', octets.Reverse()) + ".in-addr.arpa"
            : string.Join('.', Convert.ToHexStringLower(octets).Reverse()) + ".ip6.arpa";
    }

    static async Task<string> DigAsync(int port, params string[] arguments)
    {
        var start = new ProcessStartInfo("dig", ["@127.0.0.1", "-p", $"{port}", "+time=5", "+tries=1", .. arguments])
        { RedirectStandardOutput = true };
        using var dig = Process.Start(start)!;
        var output = await dig.StandardOutput.ReadToEndAsync(Cancel);
        await dig.WaitForExitAsync(Cancel);
        return output;
    }
}
