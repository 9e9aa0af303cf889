using Monolith.Dns.RecordSets;
using Monolith.Dns.V1;
using Monolith.Platform.Faults;

namespace Monolith.Modules.Tests.Dns;

public sealed class RecordDataTests
{
    [Theory]
    [InlineData("A", "10.64.0.3", "10.64.0.3", "0A400003")]
    [InlineData("A", "10.1", null, null)]
    [InlineData("A", "010.1.1.1", null, null)]
    [InlineData("A", "::1", null, null)]
    [InlineData("AAAA", "FD64:0:0::3", "fd64::3", "FD640000000000000000000000000003")]
    [InlineData("AAAA", "fe80::1%eth0", null, null)]
    [InlineData("CNAME", "WWW.Example.org.", "www.example.org.", "03777777076578616D706C65036F726700")]
    [InlineData("CNAME", "www.example.org", null, null)]
    [InlineData("PTR", "a..b.", null, null)]
    [InlineData("MX", " 010  mail.example. ", "10 mail.example.", "000A046D61696C076578616D706C6500")]
    [InlineData("MX", "0 .", "0 .", "000000")]
    [InlineData("MX", "65536 mail.example.", null, null)]
    [InlineData("SRV", "0 5 5060 sip.x.", "0 5 5060 sip.x.", "0000000513C403736970017800")]
    [InlineData("SRV", "0 5 sip.x.", null, null)]
    [InlineData("TXT", "plain \"two words\"", "\"plain\" \"two words\"", "05706C61696E0974776F20776F726473")]
    [InlineData("TXT", "\"a\\\"b\\\\c\\010\"", "\"a\\\"b\\\\c\\010\"", "06612262 5C630A")]
    [InlineData("TXT", "\"é\"", "\"\\195\\169\"", "02C3A9")]
    [InlineData("TXT", "\"open", null, null)]
    [InlineData("TXT", "\"a\"b", null, null)]
    [InlineData("TXT", "\"\\256\"", null, null)]
    [InlineData("TXT", "", null, null)]
    [InlineData("CAA", "0 ISSUE \"ca.example.net\"", "0 issue \"ca.example.net\"",
        "000569737375 6563612E6578616D706C652E6E6574")]
    [InlineData("CAA", "0 iss-ue \"x\"", null, null)]
    public void Parse_OfAValue_GivesCanonicalTextAndData(string type, string value, string? text, string? hex)
    {
        var parsed = RecordData.Parse(type, value);
        Assert.Equal(text, parsed.Text);
        Assert.Equal(hex?.Replace(" ", ""), parsed.Data is null ? null : Convert.ToHexString(parsed.Data));
        Assert.Equal(text is null, parsed.Error is not null);
        // Canonical is a fixed point: what is stored is parsed again when it is served.
        if (text is not null) Assert.Equal(parsed.Data, RecordData.Parse(type, text).Data);
    }

    [Fact]
    public void Parse_OfAnyText_NeverThrows()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        const string Letters = "\"\\ .019azAZ-_:é\ud83d\ude00\u0000\t;";
        for (var i = 0; i < 100_000; i++)
        {
            var type = new[] { "A", "AAAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT", "CAA" }[random.Next(9)];
            var value = new string([.. Enumerable.Range(0, random.Next(30)).Select(_ => Letters[random.Next(Letters.Length)])]);
            var parsed = RecordData.Parse(type, value);
            Assert.Equal(parsed.Error is null, parsed.Data is not null);
            if (parsed.Text is not null) Assert.Equal(parsed.Text, RecordData.Parse(type, parsed.Text).Text);
        }
    }

    [Fact]
    public void Check_OfABadRecordSet_GathersEveryViolation()
    {
        var violations = new Violations();
        RecordSetRules.Check(new RecordSet
        {
            Domain = "Bad..name",
            Type = "A",
            TtlSeconds = -1,
            Values = { "10.0.0.1", "10.0.0.1", "nonsense" },
        }, violations);
        var fault = Assert.Throws<Fault>(violations.ThrowIfAny);
        Assert.Equal(["record_set.domain", "record_set.ttl_seconds", "record_set.values[1]", "record_set.values[2]"],
            fault.Fields.Select(f => f.Field).Order());
    }

    [Theory]
    [InlineData("@", "CNAME", "x.")]
    [InlineData("@", "NS", "x.")]
    [InlineData("*", "NS", "x.")]
    [InlineData("a.*", "A", "10.0.0.1")]
    [InlineData("www", "SOA", "x")]
    public void Check_OfWhatNoZoneMayHold_IsRefused(string domain, string type, string value)
    {
        var violations = new Violations();
        RecordSetRules.Check(new RecordSet { Domain = domain, Type = type, Values = { value } }, violations);
        Assert.True(violations.Any);
    }
}
