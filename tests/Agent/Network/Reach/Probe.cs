using System.Buffers.Binary;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Network.Reach;

/// <summary>What a packet of a probe is.</summary>
internal enum Turn : byte
{
    Asked,
    Answered,
    Unasked,
}

/// <summary>One question of one machine to another, with a source of its own so that no two share a connection.</summary>
/// <param name="Serial">Stands in each of its packets.</param>
internal readonly record struct Probe(int Serial, int From, int To, bool V6, Service Service)
{
    private const uint Magic = 0x6d6f6e6f;

    /// <summary>Source port, and identifier of an echo.</summary>
    private int Source => 2000 + (Serial % 60_000);

    /// <summary>What the other side asks for when it sends to where the question came from, without having been asked.</summary>
    public Service Back => Service with { Number = Source };

    /// <summary>The question.</summary>
    public byte[] Question() => Packet(From, To, Turn.Asked, Source, Service.Number, Frames.Syn);

    /// <summary>The answer of who got the question.</summary>
    public byte[] Answer() => Packet(To, From, Turn.Answered, Service.Number, Source, Frames.SynAck);

    /// <summary>A first packet the other way round.</summary>
    public byte[] Unasked() => Packet(To, From, Turn.Unasked, Service.Number, Source, Frames.Syn);

    /// <summary>Which probe's packet a frame is; null for what is none.</summary>
    public static (int Serial, Turn Turn)? Find(ReadOnlySpan<byte> frame)
    {
        if (Frames.Transport(frame) is not var (protocol, at))
            return null;
        at += protocol == Frames.TcpProtocol ? 20 : 8;
        return frame.Length >= at + 9 && BinaryPrimitives.ReadUInt32BigEndian(frame[at..]) == Magic
            ? (BinaryPrimitives.ReadInt32BigEndian(frame[(at + 4)..]), (Turn)frame[at + 8])
            : null;
    }

    public override string ToString() => $"{From} → {To} {(V6 ? "v6" : "v4")} {Service}";

    private byte[] Packet(int from, int to, Turn turn, int source, int destination, byte flags)
    {
        var (saddr, daddr) = (World.AddressOf(from, V6), World.AddressOf(to, V6));
        var data = new byte[9];
        BinaryPrimitives.WriteUInt32BigEndian(data, Magic);
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(4), Serial);
        data[8] = (byte)turn;
        return Service.Protocol switch
        {
            RuleProtocol.Tcp => Frames.Ip(
                saddr, daddr, Frames.TcpProtocol, Frames.Tcp(saddr, daddr, source, destination, flags, data)),
            RuleProtocol.Udp => Frames.Ip(
                saddr, daddr, Frames.UdpProtocol, Frames.Udp(saddr, daddr, source, destination, data)),
            _ => Frames.Ip(
                saddr, daddr, V6 ? Frames.IcmpV6Protocol : Frames.IcmpProtocol,
                Frames.Icmp(
                    saddr, daddr, turn == Turn.Asked ? (byte)Service.Number : Service.Answer,
                    [.. Frames.Big(Source), 0, 1, .. data])),
        };
    }
}
