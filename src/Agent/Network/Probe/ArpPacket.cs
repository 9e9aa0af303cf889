using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Native.Raw;

namespace Monolith.Agent.Network.Probe;

/// <summary>ARP over Ethernet (RFC 826), in its one frame of 42 bytes. Pure.</summary>
internal static class ArpPacket
{
    public const int Length = 42;
    private const ushort Request = 1, Reply = 2;

    /// <summary>"Who has <paramref name="target"/>?", from the gateway.</summary>
    public static byte[] WhoHas(IPAddress target)
    {
        var frame = new byte[Length];
        MacAddress.Broadcast.Write(frame);
        Gateway.Mac.Write(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), IfEtherConstants.ETH_P_ARP);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(14), 1);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(16), IfEtherConstants.ETH_P_IP);
        frame[18] = MacAddress.Length;
        frame[19] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(20), Request);
        Gateway.Mac.Write(frame.AsSpan(22));
        Gateway.Ipv4.GetAddressBytes().CopyTo(frame, 28);
        target.GetAddressBytes().CopyTo(frame, 38);
        return frame;
    }

    /// <summary>Whether a frame is the answer of this guest for this address. Any bytes are fine.</summary>
    public static bool IsAnswer(ReadOnlySpan<byte> frame, MacAddress mac, IPAddress address) =>
        frame.Length >= Length
        && BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) == IfEtherConstants.ETH_P_ARP
        && BinaryPrimitives.ReadUInt16BigEndian(frame[16..]) == IfEtherConstants.ETH_P_IP
        && BinaryPrimitives.ReadUInt16BigEndian(frame[20..]) == Reply
        && MacAddress.Read(frame[22..]) == mac
        && address.AddressFamily == AddressFamily.InterNetwork
        && frame.Slice(28, 4).SequenceEqual(address.GetAddressBytes());
}
