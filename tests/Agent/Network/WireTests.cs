using System.Net;
using CsCheck;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Advertise;
using Monolith.Agent.Network.Invariants;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Tests.Network;

/// <summary>Small formats: Ethernet addresses, ARP, advertisements, netlink attributes.</summary>
public sealed class WireTests
{
    [Fact]
    public void Mac_IsTheSameThroughTextAndBytes() => Gen.ULong[0, 0xffff_ffff_ffff].Sample(value =>
    {
        var mac = new MacAddress(value);
        return MacAddress.Parse(mac.ToString()) == mac && MacAddress.Read(mac.ToBytes()) == mac;
    });

    [Theory]
    [InlineData("")]
    [InlineData("52:54:00:00:00")]
    [InlineData("52:54:00:00:00:0g")]
    [InlineData("52-54-00-00-00-01")]
    [InlineData("52:54:00:00:00:+1")]
    public void OtherText_IsNoMac(string text) => Assert.False(MacAddress.TryParse(text, null, out _));

    [Fact]
    public void ArpAnswer_IsTheGuestsAlone()
    {
        var (mac, address) = (new MacAddress(0x5254_0000_0001), IPAddress.Parse("10.64.0.1"));
        var reply = ArpPacket.WhoHas(Gateway.Ipv4);
        Assert.False(ArpPacket.IsAnswer(reply, mac, address));
        reply[21] = 2;
        mac.Write(reply.AsSpan(22));
        address.GetAddressBytes().CopyTo(reply, 28);

        Assert.True(ArpPacket.IsAnswer(reply, mac, address));
        Assert.False(ArpPacket.IsAnswer(reply, new MacAddress(1), address));
        Assert.False(ArpPacket.IsAnswer(reply, mac, IPAddress.Parse("10.64.0.2")));
        Assert.False(ArpPacket.IsAnswer(reply.AsSpan(0, 41), mac, address));
    }

    [Fact]
    public void AnyBytes_AreNoReasonToFail() => Gen.Byte.Array[0, 120].Sample(bytes =>
    {
        ArpPacket.IsAnswer(bytes, new MacAddress(1), IPAddress.Loopback);
        RouterAdvertisement.IsSolicitation(bytes);
        LinkFacts.Parse(bytes);
        RouteFacts.Parse(bytes);
        var attributes = new NetlinkAttributes(bytes);
        while (attributes.Next())
            _ = attributes.UInt32;
    });

    [Fact]
    public void Advertisement_LetsTheGuestFormOnlyItsOwnAddress()
    {
        var plan = Lab.DataPlaneLab.Plan(1);
        Assert.Equal(0, PrefixFlags(plan));
        Assert.Equal(0x40, PrefixFlags(plan with { Addresses = [IPAddress.Parse("fd64::5054:ff:fe00:1")] }));
        Assert.Equal(0, RouterAdvertisement.Of(plan).Length % 8);
    }

    private static byte PrefixFlags(PortPlan plan)
    {
        var bytes = RouterAdvertisement.Of(plan);
        for (var at = 16; at < bytes.Length; at += bytes[at + 1] * 8)
        {
            if (bytes[at] == 3)
                return bytes[at + 3];
        }

        throw new InvalidOperationException("no prefix option");
    }
}
