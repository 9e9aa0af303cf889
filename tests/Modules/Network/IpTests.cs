using CsCheck;
using Monolith.Network.Addresses;

namespace Monolith.Modules.Tests.Network;

public class IpTests
{
    static readonly Gen<Ip> Ips = Gen.OneOf(
        Gen.UInt.Select(v => new Ip(4, v)),
        Gen.Select(Gen.ULong, Gen.ULong, (high, low) => new Ip(6, new UInt128(high, low)))
            .Where(ip => ip.Value >> 32 != 0xffff));

    [Fact]
    public void Key_OfAnyAddress_ReadsBackAndSortsAsTheAddress() => Gen.Select(Ips, Ips).Sample((a, b) =>
    {
        Assert.Equal(a, Ip.OfKey(a.Key));
        Assert.Equal(Math.Sign(a.CompareTo(b)), Math.Sign(string.CompareOrdinal(a.Key, b.Key)));
    });

    [Fact]
    public void Text_OfAnyAddress_ReadsBack() => Ips.Sample(a =>
    {
        Assert.True(Ip.TryParse(a.ToString(), out var read));
        Assert.Equal(a, read);
    });

    [Theory]
    [InlineData("10.0.0")]
    [InlineData("010.0.0.1")]
    [InlineData("1")]
    [InlineData("fe80::1%eth0")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("")]
    [InlineData("10.0.0.1 ")]
    public void TryParse_WhatIsNoPlainAddress_Refuses(string text) => Assert.False(Ip.TryParse(text, out _));

    [Theory]
    [InlineData("10.0.0.1/24", "10.0.0.0/24")]
    [InlineData("2001:DB8::/32", "2001:db8::/32")]
    [InlineData("10.0.0.0/08", "10.0.0.0/8")]
    [InlineData("10.0.0.0/33", "must be a CIDR")]
    [InlineData("10.0.0.0", "must be a CIDR")]
    [InlineData("10.0.0.0/-1", "must be a CIDR")]
    public void TryParse_PrefixThatIsNotCanonical_SaysWhatIs(string text, string says)
    {
        Assert.False(Cidr.TryParse(text, out _, out var problem));
        Assert.Contains(says, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("10.64.0.7/32")]
    [InlineData("::/0")]
    [InlineData("2001:db8::1/128")]
    public void TryParse_CanonicalPrefix_Accepts(string text) => Assert.True(Cidr.TryParse(text, out _, out _));

    [Fact]
    public void Space_OfRanges_IsTheSetOfTheirAddresses()
    {
        var ranges = Gen.Select(Gen.Int[0, 60], Gen.Int[0, 12], (first, more) =>
            new IpRange(new(4, (UInt128)first), new(4, (UInt128)(first + more)))).List[0, 8];
        Gen.Select(ranges, ranges).Sample((a, b) =>
        {
            var rest = AddressSpace.Subtract(a, b);
            var expected = Members(a).Except(Members(b)).Order().ToList();
            Assert.Equal(expected, rest.SelectMany(r => Members([r])).ToList());
            Assert.Equal(expected.Count, AddressSpace.Count(rest));
            Assert.Equal(Members(a).Count(), AddressSpace.Count(AddressSpace.Union(a)));
        });
        static IEnumerable<int> Members(IEnumerable<IpRange> ranges) => ranges.SelectMany(r =>
            Enumerable.Range((int)r.First.Value, (int)(r.Last.Value - r.First.Value) + 1)).Distinct();
    }

    [Fact]
    public void Count_OfAWholeFamily_Saturates() =>
        Assert.Equal(long.MaxValue, AddressSpace.Count([new(new(6, 0), new(6, UInt128.MaxValue))]));
}
