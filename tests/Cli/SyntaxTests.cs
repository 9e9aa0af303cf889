using CsCheck;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;
using Monolith.Lb.V1;
using Monolith.Network.V1;
using Direction = Monolith.Network.V1.SecurityRule.Types.Direction;
using Protocol = Monolith.Network.V1.SecurityRule.Types.Protocol;

namespace Monolith.Cli.Tests;

public sealed class SyntaxTests
{
    static readonly Gen<SecurityRule> Rules = Gen.Select(
        Gen.Bool, Pick.From(Protocol.Any, Protocol.Tcp, Protocol.Udp, Protocol.Icmp), Gen.Int[1, 65_535],
        Gen.Int[0, 100], Pick.From("", "10.0.0.0/8", "fd00::/8")).Select((egress, protocol, port, more, prefix) =>
    {
        var rule = new SecurityRule { Direction = egress ? Direction.Egress : Direction.Ingress, Protocol = protocol };
        if (protocol is Protocol.Tcp or Protocol.Udp)
            (rule.PortMin, rule.PortMax) = (port, Math.Min(port + more, 65_535));
        if (protocol == Protocol.Icmp && more < 50)
            rule.IcmpType = more;
        if (prefix.Length > 0)
            rule.RemotePrefix = prefix;
        return rule;
    });

    [Fact]
    public void Rules_ReadAsTheyAreWritten() =>
        Rules.Sample(rule => Assert.Equal(rule, RuleSyntax.Read(RuleSyntax.Write(rule), out _)));

    [Theory]
    [InlineData("tcp:70000")]
    [InlineData("tcp:80:90")]
    [InlineData("sctp:80")]
    [InlineData("egress")]
    [InlineData("tcp:80@")]
    [InlineData("")]
    public void Rules_ThatAreNone_AreRefused(string text) =>
        Assert.Throws<UsageException>(() => RuleSyntax.Read(text, out _));

    [Fact]
    public void Rules_NoText_IsAnythingButReadOrRefused() => Gen.String.Sample(text =>
    {
        try
        {
            RuleSyntax.Read(text, out _);
        }
        catch (UsageException)
        {
        }
    });

    [Fact]
    public void Members_AreServersOrAddresses()
    {
        var member = BalancerSyntax.Member("web=web1:80,weight=50", out var pool, out var server);
        Assert.Equal(("web", "web1", 80, 50), (pool, server, member.Port, member.Weight));
        member = BalancerSyntax.Member("[fd64::9]:8080", out pool, out server);
        Assert.Equal((null, null, "fd64::9", 8_080), (pool, server, member.Address, member.Port));
    }

    [Fact]
    public void Listeners_GetAnIdFromProtocolAndPort()
    {
        var listener = BalancerSyntax.Listener("http:80:web");
        Assert.Equal(("http-80", 80, "web", Listener.Types.Protocol.Http),
            (listener.Id, listener.Port, listener.Pool, listener.Protocol));
        Assert.Equal("front", BalancerSyntax.Listener("tcp:443:web:front").Id);
    }

    [Fact]
    public void Balancers_NoText_IsAnythingButReadOrRefused() =>
        Gen.String[Gen.Char["ab1:,=[]/.-"], 0, 30].Sample(text =>
    {
        foreach (var read in new Action[]
        {
            () => BalancerSyntax.Listener(text), () => BalancerSyntax.Pool(text),
            () => BalancerSyntax.Member(text, out _, out _), () => Sizes.Parse(text, 1 << 20),
            () => Settings.ParseSpan(text), () => Settings.ParseEndpoint(text, null),
        })
            try
            {
                read();
            }
            catch (UsageException)
            {
            }
    });

    [Theory]
    [InlineData("2GiB", 2_048)]
    [InlineData("2G", 2_048)]
    [InlineData("512", 512)]
    [InlineData("0.5TiB", 524_288)]
    public void Sizes_InMebibytes(string text, long mebibytes) => Assert.Equal(mebibytes, Sizes.Parse(text, 1L << 20));

    [Theory]
    [InlineData("1.5")]
    [InlineData("1KiB")]
    [InlineData("big")]
    [InlineData("-1")]
    public void Sizes_ThatAreNone_AreRefused(string text) =>
        Assert.Throws<UsageException>(() => Sizes.Parse(text, 1L << 20));

    [Theory]
    [InlineData("90", 90_000)]
    [InlineData("1500ms", 1_500)]
    [InlineData("5m", 300_000)]
    [InlineData("7d", 604_800_000)]
    public void Spans_InMilliseconds(string text, double milliseconds) =>
        Assert.Equal(milliseconds, Settings.ParseSpan(text).TotalMilliseconds, 3);

    [Theory]
    [InlineData("127.0.0.1:5080", "http://127.0.0.1:5080/")]
    [InlineData("localhost:5080", "http://localhost:5080/")]
    [InlineData("127.0.0.1:5443", "https://127.0.0.1:5443/")]
    [InlineData("192.0.2.1:5080", "https://192.0.2.1:5080/")]
    [InlineData("http://192.0.2.1:5080", "http://192.0.2.1:5080/")]
    public void Endpoints_WithoutAScheme_ArePlainOnLoopbackOnly(string text, string endpoint) =>
        Assert.Equal(endpoint, Settings.ParseEndpoint(text, null).ToString());

    [Fact]
    public void Endpoint_OfTheEnvironmentsTls_IsTls() =>
        Assert.Equal("https", Settings.ParseEndpoint("127.0.0.1:7000", "127.0.0.1:7000").Scheme);
}
