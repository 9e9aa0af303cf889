using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Addresses.Exchange;
using Monolith.Network.V1;
using Purpose = Monolith.Network.V1.AddressPool.Types.Purpose;

namespace Monolith.Modules.Tests.Network;

/// <summary>The address book as a file, out and in.</summary>
public class ExchangeTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatIsExported_IsTheSameInAnotherCloud_AndAgainChangesNothing(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.MakeAsync("servers", new()
        {
            Prefixes = { "10.64.0.0/24", "2001:db8::/64" },
            Exclusions = { "10.64.0.0-10.64.0.3", "2001:db8::-2001:db8::f" },
            AvailabilityZone = "az1",
            Owner = "projects/p",
            Quarantine = new Duration { Seconds = 600 },
            Announcement = AddressPool.Types.Announcement.Aggregate,
        });
        await net.MakeAsync("vips", new() { Prefixes = { "10.96.0.0/28" }, Purpose = Purpose.LoadBalancer });
        await net.NetworkAsync("p", "default", "servers");
        await net.ReserveAsync("mail", "10.64.0.8-10.64.0.15", "projects/p", "mail, \"old\"");
        await net.ReserveAsync("gateway", "10.96.0.1", note: "gateway", pool: "vips");
        var facts = (await net.Owned.ClaimAsync([NetworkFixture.Claim(Guid.CreateVersion7(), "web") with { Zone = "az1" }], default))[0];
        Assert.Equal(["10.64.0.4", "2001:db8::10"], facts.Addresses);

        foreach (var format in new[] { AddressFormat.Csv, AddressFormat.Netbox })
        {
            var file = await ExportAsync(net, format);
            Assert.Equal(file, await ExportAsync(net, format));
            // Here all of it is there.
            var again = await ImportAsync(net, file, format);
            Assert.Empty(again.Problems);
            Assert.Equal((0, 0, 0, 9), (again.CreatedPools, again.ChangedPools, again.CreatedReservations, again.UnchangedLines));

            await using var other = await NetworkFixture.StartAsync(provider);
            var tried = await ImportAsync(other, file, format, validateOnly: true);
            Assert.Equal((2, 4), (tried.CreatedPools, tried.CreatedReservations));
            Assert.Equal(0, await other.Store.ReadAsync(db => db.AddressPools.CountAsync()));
            Assert.Equal(tried, await ImportAsync(other, file, format));
            var pool = await other.PoolAsync("servers");
            Assert.Equal(("az1", "projects/p", 600, Purpose.Server, AddressPool.Types.Announcement.Aggregate),
                (pool.AvailabilityZone, pool.Owner, pool.Quarantine.Seconds, pool.Purpose, pool.Announcement));
            Assert.Equal(["10.64.0.0-10.64.0.3", "2001:db8::-2001:db8::f"], pool.Exclusions.Order());
            // What is held there is kept here: eight for mail, and one that has an owner elsewhere, of each family.
            Assert.Equal((pool.AddressCount, 10L), (pool.FreeCount + pool.ReservedCount, pool.ReservedCount));
            var kept = await other.Reservations.ListReservations(new() { Parent = "addressPools/-" }, NetworkFixture.Call());
            Assert.Equal(["gateway", "mail, \"old\"", "projects/p/servers/web", "projects/p/servers/web"],
                kept.Reservations.Select(r => r.Note).Order());
            var same = await ImportAsync(other, file, format);
            Assert.Empty(same.Problems);
            Assert.Equal((0, 0, 0, 9), (same.CreatedPools, same.ChangedPools, same.CreatedReservations, same.UnchangedLines));
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AFileWithMistakes_IsToldOfAllOfThem_AndChangesNothing(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        await net.PrepareAsync("10.64.0.0/28");
        var held = (await net.ClaimAsync(Guid.CreateVersion7())).Addresses[0];
        await net.ReserveAsync("mail", "10.64.0.8-10.64.0.9", note: "mail");
        var before = await ExportAsync(net, AddressFormat.Csv);
        var answer = await ImportAsync(net, $"""
            kind,value,pool,purpose,project,id,note
            prefix,10.70.0.0/24,new,,,,
            prefix,10.70.0.5/24,new,,,,
            prefix,10.70.0.128/25,other,,,,
            prefix,10.64.0.0/27,new,,,,
            prefix,10.71.0.0/24,servers,load-balancer,,,
            thing,10.71.0.0/24,,,,,
            exclusion,10.99.0.0,,,,,
            exclusion,{held},,,,,
            reservation,10.70.0.1-10.70.0.9,,,,a,x
            reservation,10.70.0.9,,,,b,y
            reservation,10.64.0.9-10.64.0.10,,,,,
            reservation,10.64.0.8-10.64.0.9,,,,,other
            address,{held},,,q,,projects/q/servers/s
            reservation,10.70.0.20,,,P,,
            reservation,"10.70.0.21
            """, AddressFormat.Csv);
        Assert.Equal(
        [
            "3 '10.70.0.5/24' has host bits that are not zero; did you mean 10.70.0.0/24",
            "4 10.70.0.128/25 overlaps 10.70.0.0/24 in line 2",
            "5 10.64.0.0/27 overlaps 10.64.0.0/28 of addressPools/servers",
            "6 has the purpose 'load-balancer', and addressPools/servers has 'server'",
            "7 is of the kind 'thing'; there are prefix, exclusion, reservation and address",
            "8 10.99.0.0 lies not wholly in the prefixes of one pool",
            $"9 {held} is held by projects/p/servers/web1",
            "11 10.70.0.9 overlaps 10.70.0.1-10.70.0.9 in line 10",
            "12 10.64.0.9-10.64.0.10 overlaps 10.64.0.8-10.64.0.9 of addressPools/servers/reservations/mail",
            "13 10.64.0.8-10.64.0.9 is reserved already, for mail: delete addressPools/servers/reservations/mail first",
            $"14 {held} is held by projects/p/servers/web1",
            "15 'P' is no project's id",
            "16 has a quote that does not end, or ends within a value",
        ], answer.Problems.Where(p => !p.Message.StartsWith($"{held} overlaps", StringComparison.Ordinal))
            .Select(p => $"{p.Line} {p.Message}"));
        Assert.Equal(before, await ExportAsync(net, AddressFormat.Csv));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task NetBoxsOwnAnswers_AreRead_WithTheLinesOfWhatIsWrong(string provider)
    {
        await using var net = await NetworkFixture.StartAsync(provider);
        const string good = """
            {"prefixes": {"count": 2, "next": null, "results": [
              {"id": 1, "prefix": "10.0.0.0/8", "status": {"value": "container", "label": "Container"}},
              {"id": 2, "prefix": "10.64.0.0/24", "status": {"value": "active"}, "role": {"slug": "infrastructure"},
               "site": {"slug": "az1", "name": "AZ 1"}, "tenant": null, "description": "racks",
               "custom_fields": {"address_pool": "racks", "quarantine_seconds": 60}}]},
             "ip_ranges": [
              {"start_address": "10.64.0.10/24", "end_address": "10.64.0.19/24", "status": {"value": "reserved"},
               "description": "printers", "tenant": {"slug": "p"}},
              {"start_address": "10.64.0.30/24", "end_address": "10.64.0.39/24", "status": "deprecated"}],
             "ip-addresses": [{"address": "10.64.0.1/24", "status": "active", "dns_name": "gw", "description": "gateway"}]}
            """;
        var answer = await ImportAsync(net, good, AddressFormat.Netbox);
        Assert.Empty(answer.Problems);
        Assert.Equal((1, 2), (answer.CreatedPools, answer.CreatedReservations));
        var pool = await net.PoolAsync("racks");
        // 256 less the network's and the broadcast's, and ten that are deprecated.
        Assert.Equal((244, 11, 233, Purpose.Infrastructure), (pool.AddressCount, pool.ReservedCount, pool.FreeCount, pool.Purpose));
        Assert.Equal(4, (await ImportAsync(net, good, AddressFormat.Netbox)).UnchangedLines);

        var bad = await ImportAsync(net, """
            {"prefixes": [
              {"prefix": "10.65.0.0/24", "status": "active"},
              {"prefix": "10.66.0.0/24", "status": "reserved", "custom_fields": {"address_pool": "racks"}}],
             "vlans": [],
             "ip-ranges": [{"start_address": "10.64.0.9/24", "end_address": "10.64.0.5/24"}],
             "ip-addresses": [
              {"address": "10.64.0.300/24"}, {"address": "10.64.0.35", "status": "reserved"}
            """, AddressFormat.Netbox);
        Assert.Equal([2, 3, 4, 5, 7, 7, 7], bad.Problems.Select(p => p.Line));
    }

    /// <summary>Ten thousand at once hold up nobody for long, and each takes its piece out of what is free.</summary>
    [Fact]
    public async Task ManyReservations_AreCutOutTogether()
    {
        await using var net = await NetworkFixture.StartAsync("sqlite");
        var file = new StringBuilder("kind,value,pool,note\nprefix,10.0.0.0/12,servers,\n");
        for (var i = 0; i < 10_000; i++) file.Append(FormattableString.Invariant($"address,10.{i >> 13}.{i >> 5 & 255}.{(i & 31) * 8},,host {i}\n"));
        var answer = await ImportAsync(net, file.ToString(), AddressFormat.Csv);
        Assert.Empty(answer.Problems);
        Assert.Equal(10_000, answer.CreatedReservations);
        var pool = await net.PoolAsync("servers");
        Assert.Equal((1 << 20, 10_000, (1 << 20) - 10_000), (pool.AddressCount, pool.ReservedCount, pool.FreeCount));
        await net.NetworkAsync("p", "default", "servers");
        Assert.Equal(["10.0.0.1"], (await net.ClaimAsync(Guid.CreateVersion7())).Addresses);
        Assert.Equal(10_001, (await ImportAsync(net, file.ToString(), AddressFormat.Csv)).UnchangedLines);
        file.Append("reservation,10.15.0.0,,\n");
        Assert.Equal(1, (await ImportAsync(net, file.ToString(), AddressFormat.Csv)).CreatedReservations);
    }

    static async Task<string> ExportAsync(NetworkFixture net, AddressFormat format)
    {
        var stream = new Written();
        await net.Exchange.ExportAsync(new ExportAddressesRequest { Format = format }, stream, default);
        return stream.Text.ToString();
    }

    static Task<ImportAddressesResponse> ImportAsync(NetworkFixture net, string file, AddressFormat format,
        bool validateOnly = false)
    {
        var header = new ImportAddressesRequest.Types.Header { Format = format, ValidateOnly = validateOnly };
        var bytes = Encoding.UTF8.GetBytes(file);
        // In pieces that do not care for lines or letters.
        return net.Book.ImportAddresses(new Reader([new() { Header = header }, .. bytes.Chunk(50_001).Select(chunk =>
            new ImportAddressesRequest { Chunk = ByteString.CopyFrom(chunk) })]), NetworkFixture.Call());
    }

    sealed class Written : IServerStreamWriter<ExportAddressesResponse>
    {
        public StringBuilder Text { get; } = new();
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(ExportAddressesResponse message)
        {
            Text.Append(message.Chunk.ToStringUtf8());
            return Task.CompletedTask;
        }

        public Task WriteAsync(ExportAddressesResponse message, CancellationToken cancellationToken) => WriteAsync(message);
    }

    sealed class Reader(IReadOnlyList<ImportAddressesRequest> messages) : IAsyncStreamReader<ImportAddressesRequest>
    {
        int next = -1;

        public ImportAddressesRequest Current => messages[next];

        public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromResult(++next < messages.Count);
    }
}
