using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Monolith.Agent.Network.Dhcp;

/// <summary>DHCP message types (RFC 2132 section 9.6).</summary>
internal enum DhcpType : byte
{
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Ack = 5,
    Nak = 6,
    Release = 7,
    Inform = 8,
}

/// <summary>Option numbers (RFC 2132, RFC 3442).</summary>
internal static class DhcpOption
{
    public const byte SubnetMask = 1, Router = 3, DnsServers = 6, HostName = 12, DomainName = 15, InterfaceMtu = 26;
    public const byte RequestedAddress = 50, LeaseTime = 51, Overload = 52, MessageType = 53, ServerId = 54;
    public const byte Message = 56, RenewalTime = 58, RebindingTime = 59, ClientId = 61, ClasslessRoutes = 121;
    public const byte Pad = 0, End = 255;
}

/// <summary>
/// What a client asks (RFC 2131 section 2). Reading never throws: bytes that make no sense give false.
/// </summary>
internal sealed record DhcpRequest
{
    public const int FixedLength = 236, CookieLength = 4, MaxLength = 1500;
    private const byte BootRequest = 1, Ethernet = 1;
    private static ReadOnlySpan<byte> Cookie => [99, 130, 83, 99];

    public DhcpType Type { get; private set; }

    public uint TransactionId { get; private init; }

    public ushort Flags { get; private init; }

    public IPAddress ClientAddress { get; private init; } = IPAddress.Any;

    public MacAddress Mac { get; private init; }

    public IPAddress? RequestedAddress { get; private set; }

    public IPAddress? ServerId { get; private set; }

    /// <summary>Echoed in the answer as it came (RFC 6842); empty when there was none.</summary>
    public byte[] ClientId { get; private set; } = [];

    public static bool TryParse(ReadOnlySpan<byte> bytes, out DhcpRequest request)
    {
        request = new DhcpRequest();
        if (bytes.Length < FixedLength + CookieLength || bytes[0] != BootRequest || bytes[1] != Ethernet
            || bytes[2] != MacAddress.Length || !bytes.Slice(FixedLength, CookieLength).SequenceEqual(Cookie))
            return false;
        request = new DhcpRequest
        {
            TransactionId = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            Flags = BinaryPrimitives.ReadUInt16BigEndian(bytes[10..]),
            ClientAddress = new IPAddress(bytes.Slice(12, 4)),
            Mac = MacAddress.Read(bytes[28..]),
        };
        return request.ReadOptions(bytes[(FixedLength + CookieLength)..]) && request.Type != 0;
    }

    private bool ReadOptions(ReadOnlySpan<byte> options)
    {
        while (options.Length > 0 && options[0] != DhcpOption.End)
        {
            if (options[0] == DhcpOption.Pad)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options.Length < 2 + options[1])
                return false;
            Take(options[0], options.Slice(2, options[1]));
            options = options[(2 + options[1])..];
        }

        return true;
    }

    private void Take(byte code, ReadOnlySpan<byte> value)
    {
        switch (code)
        {
            case DhcpOption.MessageType when value.Length == 1:
                Type = (DhcpType)value[0];
                break;
            case DhcpOption.RequestedAddress when value.Length == 4:
                RequestedAddress = new IPAddress(value);
                break;
            case DhcpOption.ServerId when value.Length == 4:
                ServerId = new IPAddress(value);
                break;
            case DhcpOption.ClientId:
                ClientId = value.ToArray();
                break;
        }
    }
}

/// <summary>What the responder says. Options are in the order in which they go out.</summary>
/// <param name="YourAddress">The lease; 0.0.0.0 in a refusal and in the answer to INFORM.</param>
internal sealed record DhcpReply(
    DhcpType Type,
    DhcpRequest To,
    IPAddress YourAddress,
    IReadOnlyList<(byte Code, byte[] Value)> Options)
{
    private const byte BootReply = 2;
    private const int MinLength = 300;

    /// <summary>The datagram's payload, at least as long as a BOOTP client wants.</summary>
    public byte[] ToBytes()
    {
        var length = DhcpRequest.FixedLength + DhcpRequest.CookieLength + Options.Sum(o => 2 + o.Value.Length) + 1;
        var bytes = new byte[Math.Max(length, MinLength)];
        bytes[0] = BootReply;
        bytes[1] = 1;
        bytes[2] = MacAddress.Length;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), To.TransactionId);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), To.Flags);
        if (Type != DhcpType.Nak)
            To.ClientAddress.GetAddressBytes().CopyTo(bytes, 12);
        YourAddress.GetAddressBytes().CopyTo(bytes, 16);
        To.Mac.Write(bytes.AsSpan(28));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(DhcpRequest.FixedLength), 0x63825363);
        var at = DhcpRequest.FixedLength + DhcpRequest.CookieLength;
        foreach (var (code, value) in Options)
        {
            bytes[at] = code;
            bytes[at + 1] = (byte)value.Length;
            value.CopyTo(bytes, at + 2);
            at += 2 + value.Length;
        }

        bytes[at] = DhcpOption.End;
        return bytes;
    }

    internal static byte[] Text(string text) => Encoding.ASCII.GetBytes(text);
}
