using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Dns.Serving;
using Wire = ARSoft.Tools.Net.Dns.RecordType;

namespace Monolith.Modules.Tests.Dns;

/// <summary>Packets in and out, read and written by another implementation on the client's side.</summary>
public sealed class PacketTests
{
    static readonly NameTable<ZoneSnapshot> Zones = Zone.Table(Zone.Of("example.org",
        [.. Enumerable.Range(1, 90).Select(i => $"many A 10.0.0.{i}"), "www A 10.0.0.1", "alias CNAME www.example.org.",
            .. Enumerable.Range(1, 20).Select(i => $"text TXT \"{new string('t', 200)}{i}\""),
            "child NS ns.child.example.org.", "ns.child A 10.0.0.53"]));

    static readonly PacketHandler Handler = Of(Zones);

    [Fact]
    public void Handle_AQuery_KeepsIdCaseAndRecursionBit()
    {
        var query = Query("wWw.ExAmPlE.oRg", Wire.A);
        var answer = Ask(query);
        Assert.Equal(query.TransactionID, answer.TransactionID);
        Assert.True(answer is { IsAuthoritiveAnswer: true, IsRecursionDesired: true, IsRecursionAllowed: false });
        Assert.Equal("wWw.ExAmPlE.oRg.", answer.Questions[0].Name.ToString());
        Assert.Equal("wWw.ExAmPlE.oRg.", answer.AnswerRecords[0].Name.ToString());
        Assert.Equal("10.0.0.1", ((ARecord)answer.AnswerRecords[0]).Address.ToString());
        Assert.Equal(60, answer.AnswerRecords[0].TimeToLive);
    }

    [Fact]
    public void Handle_AnAlias_NamesItsTarget()
    {
        var answer = Ask(Query("alias.example.org", Wire.A));
        Assert.Equal("www.example.org.", ((CNameRecord)answer.AnswerRecords[0]).CanonicalName.ToString());
        Assert.Equal("www.example.org.", answer.AnswerRecords[1].Name.ToString());
    }

    [Fact]
    public void Handle_AnUnknownName_BringsTheSoaWithTheNegativeTtl()
    {
        var zone = Zone.Table(Zone.Of("plain.test", "a A 10.0.0.1"));
        var answer = Ask(Query("b.plain.test", Wire.A), handler: Of(zone));
        Assert.Equal(ReturnCode.NxDomain, answer.ReturnCode);
        var soa = Assert.IsType<SoaRecord>(Assert.Single(answer.AuthorityRecords));
        Assert.Equal((60, 60, 7u), (soa.TimeToLive, soa.NegativeCachingTTL, soa.SerialNumber));
        Assert.Equal("hostmaster.plain.test.", soa.ResponsibleName.ToString());
    }

    [Fact]
    public void Handle_AReferral_BringsServersAndGlue()
    {
        var answer = Ask(Query("www.child.example.org", Wire.A));
        Assert.False(answer.IsAuthoritiveAnswer);
        Assert.Equal("ns.child.example.org.", ((NsRecord)answer.AuthorityRecords[0]).NameServer.ToString());
        Assert.Contains(answer.AdditionalRecords, r => r is ARecord && r.Name.ToString() == "ns.child.example.org.");
    }

    [Theory]
    [InlineData(0, 512, true)]
    [InlineData(1232, 1232, true)]
    [InlineData(65000, 1232, true)]
    public void Handle_AnAnswerThatIsTooLarge_IsTruncatedByUdpAndWholeByTcp(int edns, int limit, bool truncated)
    {
        var query = Query("text.example.org", Wire.Txt);
        if (edns > 0) query.EDnsOptions = new OptRecord((ushort)edns);
        var bytes = Raw(query, udp: true);
        Assert.True(bytes.Length <= limit);
        var answer = DnsMessage.Parse(bytes);
        Assert.Equal(truncated, answer.IsTruncated);
        Assert.Empty(answer.AnswerRecords);
        Assert.Equal(edns > 0, answer.IsEDnsEnabled);
        Assert.Equal(20, DnsMessage.Parse(Raw(query, udp: false)).AnswerRecords.Count);
    }

    [Fact]
    public void Handle_NinetyAddresses_FitByEdns()
    {
        var query = Query("many.example.org", Wire.A);
        Assert.True(Ask(query).IsTruncated);
        Assert.Equal(90, DnsMessage.Parse(Raw(query, udp: false)).AnswerRecords.Select(r => ((ARecord)r).Address)
            .Distinct().Count());
    }

    [Fact]
    public void Handle_WhatIsNoQuestion_SaysSoOrIsSilent()
    {
        var good = Encode(Query("www.example.org", Wire.A));
        Assert.Empty(Handle(good[..11]));
        Assert.Empty(Handle(Changed(good, 2, 0x80)));
        Assert.Equal(4, Handle(Changed(good, 2, 0x28))[3] & 0xF);
        Assert.Equal(1, Handle(Changed(good, 5, 2))[3] & 0xF);
        Assert.Equal(1, Handle(Changed(good, 12, 0xC0))[3] & 0xF);
        Assert.Equal(1, Handle([.. good, 0])[3] & 0xF);
        var later = Query("www.example.org", Wire.A);
        later.EDnsOptions = new OptRecord(1232) { Version = 1 };
        var answer = DnsMessage.Parse(Handle(Encode(later)));
        Assert.Equal(1, (int)answer.ReturnCode >> 4 | (int)answer.EDnsOptions!.ExtendedReturnCode >> 4);
    }

    [Fact]
    public void Handle_AnyBytes_AnswersWithinLimitsAndNeverThrows()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var query = Query("alias.example.org", Wire.A);
        query.EDnsOptions = new OptRecord(1232);
        var good = Encode(query);
        var codes = new HashSet<int>();
        for (var i = 0; i < 200_000; i++)
        {
            byte[] packet;
            if (i % 2 == 0)
            {
                packet = new byte[random.Next(0, 300)];
                random.NextBytes(packet);
                if (packet.Length > 12 && i % 4 == 0) new byte[] { 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 }.CopyTo(packet, 2);
            }
            else
            {
                packet = [.. good];
                for (var n = random.Next(1, 4); n > 0; n--) packet[random.Next(packet.Length)] = (byte)random.Next(256);
                if (random.Next(8) == 0) packet = packet[..random.Next(packet.Length)];
            }
            var answer = Handle(packet);
            Assert.True(answer.Length <= ReplyWriter.MaxUdp);
            if (answer.Length == 0) continue;
            Assert.Equal(packet[..2], answer[..2]);
            Assert.True((answer[2] & 0x80) != 0);
            codes.Add(answer[3] & 0xF);
            Assert.NotEqual((int)ResponseCode.ServerFailure, answer[3] & 0xF);
        }
        Assert.Superset(new HashSet<int> { 0, 1, 4, 5 }, codes);
    }

    static PacketHandler Of(NameTable<ZoneSnapshot> zones) => new(() => zones, new DnsMetrics(NullLogger<DnsMetrics>.Instance));

    static DnsMessage Query(string name, Wire type) => new()
    {
        TransactionID = 0x1234,
        IsQuery = true,
        IsRecursionDesired = true,
        Questions = { new DnsQuestion(DomainName.Parse(name), type, RecordClass.INet) },
    };

    static DnsMessage Ask(DnsMessage query, PacketHandler? handler = null) =>
        DnsMessage.Parse(Raw(query, udp: true, handler));

    static byte[] Raw(DnsMessage query, bool udp, PacketHandler? handler = null)
    {
        var buffer = new byte[65535];
        return buffer[..(handler ?? Handler).Handle(Encode(query), buffer, udp)];
    }

    static byte[] Handle(byte[] packet)
    {
        var buffer = new byte[65535];
        return buffer[..Handler.Handle(packet, buffer, udp: true)];
    }

    static byte[] Encode(DnsMessage query)
    {
        // The library keeps its encoder to itself.
        var encode = typeof(DnsMessageBase).GetMethod("Encode", System.Reflection.BindingFlags.NonPublic
            | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Instance, [])!;
        var package = encode.Invoke(query, [])!;
        var span = package.GetType().GetMethod("ToArraySegment", [typeof(bool)])!.Invoke(package, [false])!;
        return [.. (ArraySegment<byte>)span];
    }

    static byte[] Changed(byte[] packet, int at, byte to)
    {
        byte[] changed = [.. packet];
        changed[at] = to;
        return changed;
    }
}
