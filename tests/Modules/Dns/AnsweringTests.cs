using Monolith.Dns.Serving;

namespace Monolith.Modules.Tests.Dns;

public sealed class AnsweringTests
{
    static readonly NameTable<ZoneSnapshot> Zones = Zone.Table(
        Zone.Of("example.org",
            "@ MX 10 mail.example.org.",
            "www A 10.0.0.1",
            "www A 10.0.0.2",
            "www AAAA fd64::1",
            "alias CNAME www.example.org.",
            "far CNAME web1.demo.cloud.internal.",
            "out CNAME www.example.com.",
            "lost CNAME nothing.example.org.",
            "loop1 CNAME loop2.example.org.",
            "loop2 CNAME loop1.example.org.",
            "mail A 10.0.0.9",
            "a.b.deep TXT \"x\"",
            "* A 10.9.9.9",
            "*.wild CNAME www.example.org.",
            "there.wild TXT \"y\"",
            "child NS ns.child.example.org.",
            "ns.child A 10.0.0.53",
            "_sip._tcp SRV 0 5 5060 mail.example.org.",
            "only CAA 0 issue \"ca.example.net\""),
        Zone.Of("cloud.internal", "web1.demo A 10.64.0.3", "ns1 A 10.0.0.53"),
        Zone.Of("sub.cloud.internal", "x A 10.1.1.1"));

    [Theory]
    [InlineData("www.example.org", 1, "NoError", true, "www.example.org A 2", "")]
    [InlineData("www.example.org", 16, "NoError", true, "", "SOA")]
    [InlineData("deep.example.org", 1, "NoError", true, "", "SOA")]
    [InlineData("b.deep.example.org", 1, "NoError", true, "", "SOA")]
    [InlineData("c.deep.example.org", 1, "NameError", true, "", "SOA")]
    [InlineData("any.example.org", 1, "NoError", true, "any.example.org A 1", "")]
    [InlineData("a.any.example.org", 1, "NoError", true, "a.any.example.org A 1", "")]
    [InlineData("any.example.org", 28, "NoError", true, "", "SOA")]
    [InlineData("there.wild.example.org", 1, "NoError", true, "", "SOA")]
    [InlineData("q.wild.example.org", 1, "NoError", true, "q.wild.example.org CNAME 1;www.example.org A 2", "")]
    [InlineData("x.there.wild.example.org", 1, "NameError", true, "", "SOA")]
    [InlineData("*.example.org", 1, "NoError", true, "*.example.org A 1", "")]
    [InlineData("alias.example.org", 1, "NoError", true, "alias.example.org CNAME 1;www.example.org A 2", "")]
    [InlineData("alias.example.org", 5, "NoError", true, "alias.example.org CNAME 1", "")]
    [InlineData("alias.example.org", 16, "NoError", true, "alias.example.org CNAME 1", "SOA")]
    [InlineData("far.example.org", 1, "NoError", true, "far.example.org CNAME 1;web1.demo.cloud.internal A 1", "")]
    [InlineData("out.example.org", 1, "NoError", true, "out.example.org CNAME 1", "")]
    [InlineData("lost.example.org", 1, "NoError", true, "lost.example.org CNAME 1;nothing.example.org A 1", "")]
    [InlineData("loop1.example.org", 1, "NoError", true, "loop1.example.org CNAME 1;loop2.example.org CNAME 1", "")]
    [InlineData("example.org", 6, "NoError", true, "example.org SOA 1", "")]
    [InlineData("example.org", 2, "NoError", true, "example.org NS 1", "")]
    [InlineData("example.org", 1, "NoError", true, "", "SOA")]
    [InlineData("child.example.org", 1, "NoError", false, "", "NS")]
    [InlineData("www.child.example.org", 28, "NoError", false, "", "NS")]
    [InlineData("ns.child.example.org", 1, "NoError", false, "", "NS")]
    [InlineData("child.example.org", 43, "NoError", true, "", "SOA")]
    [InlineData("www.example.org", 255, "NoError", true, "www.example.org A 1?", "")]
    [InlineData("only.example.org", 255, "NoError", true, "only.example.org HINFO 1", "")]
    [InlineData("x.sub.cloud.internal", 1, "NoError", true, "x.sub.cloud.internal A 1", "")]
    [InlineData("y.sub.cloud.internal", 1, "NameError", true, "", "SOA")]
    [InlineData("www.example.com", 1, "Refused", false, "", "")]
    [InlineData("org", 1, "Refused", false, "", "")]
    [InlineData("", 2, "Refused", false, "", "")]
    [InlineData("example.org", 252, "Refused", false, "", "")]
    [InlineData("example.org", 250, "NotImplemented", false, "", "")]
    public void Answer_OfAQuestion_IsAsTheStandardsSay(string name, int type, string code, bool authoritative,
        string answer, string authority)
    {
        var reply = Answering.Answer(DnsName.Encode(name), (ushort)type, 1, Zones);
        Assert.Equal(code, reply.Code.ToString());
        Assert.Equal(authoritative, reply.Authoritative);
        var said = string.Join(';', reply.Answer.Select(a => $"{DnsName.Decode(a.Owner)} {Word(a.Set.Type)} {a.Set.Data.Count}"));
        if (answer.EndsWith('?')) Assert.Single(reply.Answer);
        else Assert.Equal(answer, said);
        Assert.Equal(authority, string.Join(';', reply.Authority.Select(a => Word(a.Set.Type))));
    }

    [Fact]
    public void Answer_InAnotherClass_IsRefused() => Assert.Equal(ResponseCode.Refused,
        Answering.Answer(DnsName.Encode("www.example.org"), 1, 3, Zones).Code);

    [Theory]
    [InlineData("example.org", 15, "mail.example.org")]
    [InlineData("_sip._tcp.example.org", 33, "mail.example.org")]
    [InlineData("www.child.example.org", 1, "ns.child.example.org")]
    public void Answer_ThatNamesOurHosts_BringsTheirAddresses(string name, int type, string host) =>
        Assert.Contains(Answering.Answer(DnsName.Encode(name), (ushort)type, 1, Zones).Additional,
            a => DnsName.Decode(a.Owner) == host && a.Set.Type == RecordType.A);

    [Fact]
    public void Snapshot_AfterRandomChanges_HasExactlyTheNamesOfItsRecords()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var zone = Zone.Of("z.test");
        var row = new Monolith.Dns.Zones.ZoneRow { Name = "projects/p/zones/z", Domain = "z.test", Contact = "h@z.test" };
        var model = new HashSet<string>();
        for (var step = 0; step < 3000; step++)
        {
            var name = string.Join('.', Enumerable.Range(0, random.Next(1, 4)).Select(_ => "ab"[random.Next(2)])) + ".z.test";
            var put = random.Next(2) == 0;
            zone = zone.With(row, "ns1.z.test", [(DnsName.Encode(name),
                put ? [new ServedSet(RecordType.A, 1, [[10, 0, 0, 1]])] : [])]);
            if (put) model.Add(name);
            else model.Remove(name);
            var wanted = model.SelectMany(n => Monolith.Dns.Zones.ZoneRules.Suffixes(n)).Append("z.test")
                .Where(n => n.EndsWith("z.test", StringComparison.Ordinal)).Distinct().Order();
            Assert.Equal(wanted, zone.Names.Values.Select(n => DnsName.Decode(n.Name)).Order());
        }
    }

    static string Word(ushort type) => type switch
    {
        RecordType.SOA => "SOA",
        RecordType.HINFO => "HINFO",
        _ => RecordType.Known.First(k => k.Value == type).Key,
    };
}
