using System.Buffers.Binary;
using System.Net;
using CsCheck;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Dhcp;

namespace Monolith.Agent.Tests.Network.Dhcp;

public sealed class DhcpAnswersTests
{
    private static readonly PortPlan Port = Lab.DataPlaneLab.Plan(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly IPAddress Own = Port.Addresses[0], Other = IPAddress.Parse("10.64.0.9");
    private static readonly IPAddress Server = IPAddress.Parse("169.254.1.1");

    [Fact]
    public void Discover_IsOfferedTheAddress() => Expect(DhcpType.Offer, Own, Message(DhcpType.Discover));

    [Fact]
    public void Request_OfOurAddress_IsAcknowledged() =>
        Expect(DhcpType.Ack, Own, Message(DhcpType.Request, (50, Own), (54, Server)));

    [Fact]
    public void Request_ByARenewingClient_IsAcknowledged() => Expect(DhcpType.Ack, Own, Message(DhcpType.Request, Own));

    [Fact]
    public void Request_OfAnotherAddress_IsRefused() =>
        Expect(DhcpType.Nak, IPAddress.Any, Message(DhcpType.Request, (50, Other)));

    [Fact]
    public void Inform_GetsNoLease()
    {
        var reply = Expect(DhcpType.Ack, IPAddress.Any, Message(DhcpType.Inform, Own));
        Assert.DoesNotContain(reply!.Options, o => o.Code == DhcpOption.LeaseTime);
    }

    [Fact]
    public void Request_ToAnotherServer_IsNotOurs() =>
        Expect(null, null, Message(DhcpType.Request, (50, Own), (54, Other)));

    [Theory]
    [InlineData(DhcpType.Release)]
    [InlineData(DhcpType.Decline)]
    [InlineData(DhcpType.Ack)]
    internal void OtherMessages_GetSilence(DhcpType type) => Expect(null, null, Message(type));

    [Fact]
    public void AnotherMac_GetsSilence()
    {
        var bytes = Message(DhcpType.Discover);
        bytes[33] ^= 1;
        Expect(null, null, bytes);
    }

    [Fact]
    public void Reply_EchoesWhatTheClientMatchesOn()
    {
        var bytes = Message(DhcpType.Discover);
        Assert.True(DhcpRequest.TryParse(bytes, out var request));

        var reply = DhcpAnswers.To(request, Port, Hour)!.ToBytes();

        Assert.Equal(2, reply[0]);
        Assert.True(reply.Length >= 300);
        Assert.Equal(bytes.AsSpan(4, 4), reply.AsSpan(4, 4));
        Assert.Equal(bytes.AsSpan(28, 6), reply.AsSpan(28, 6));
        Assert.Equal(Own, new IPAddress(reply.AsSpan(16, 4)));
    }

    [Fact]
    public void AnyBytes_AreReadWithoutAnException() => Gen.Byte.Array[0, 400].Sample(bytes =>
    {
        if (DhcpRequest.TryParse(bytes, out var request))
            DhcpAnswers.To(request, Port, Hour)?.ToBytes();
    });

    [Fact]
    public void DamagedMessages_AreReadWithoutAnException() =>
        Gen.Select(Gen.Int[0, 270], Gen.Byte, Gen.Int[0, 280]).Array[1, 8].Sample(damages =>
        {
            var bytes = Message(DhcpType.Request, (50, Own), (54, Server));
            foreach (var (at, value, length) in damages)
            {
                bytes[at % bytes.Length] = value;
                if (length is > 240 and < 270)
                    bytes = bytes[..Math.Min(length, bytes.Length)];
            }

            if (DhcpRequest.TryParse(bytes, out var request))
                DhcpAnswers.To(request, Port, Hour)?.ToBytes();
        });

    private static DhcpReply? Expect(DhcpType? type, IPAddress? address, byte[] message)
    {
        Assert.True(DhcpRequest.TryParse(message, out var request));
        var reply = DhcpAnswers.To(request, Port, Hour);
        Assert.Equal(type, reply?.Type);
        Assert.Equal(address, reply?.YourAddress);
        return reply;
    }

    private static byte[] Message(DhcpType type, params (byte Code, IPAddress Value)[] options) =>
        Message(type, IPAddress.Any, options);

    private static byte[] Message(DhcpType type, IPAddress client, params (byte Code, IPAddress Value)[] options)
    {
        var bytes = new byte[280];
        (bytes[0], bytes[1], bytes[2]) = (1, 1, 6);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), 0xdecafbad);
        client.GetAddressBytes().CopyTo(bytes, 12);
        Port.Mac.Write(bytes.AsSpan(28));
        new byte[] { 99, 130, 83, 99, 53, 1, (byte)type }.CopyTo(bytes, 236);
        var at = 243;
        foreach (var (code, value) in options)
        {
            (bytes[at], bytes[at + 1]) = (code, 4);
            value.GetAddressBytes().CopyTo(bytes, at + 2);
            at += 6;
        }

        bytes[at] = 255;
        return bytes;
    }
}
