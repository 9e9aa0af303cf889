using System.Buffers.Binary;

namespace Monolith.Dns.Serving;

/// <summary>What a packet turned out to be.</summary>
internal enum QueryKind
{
    /// <summary>A question to answer.</summary>
    Question,
    /// <summary>No query at all; silence is the answer, or two servers could answer each other for ever.</summary>
    Silence,
    /// <summary>A query that the reader does not understand: FORMERR.</summary>
    Malformed,
    /// <summary>An operation other than QUERY: NOTIMP.</summary>
    OtherOperation,
    /// <summary>EDNS of a later version: BADVERS.</summary>
    OtherVersion,
}

/// <summary>
/// A query as a server needs it: header, one question, EDNS (RFC 1035, 4; RFC 6891; RFC 9619). The reader allocates
/// nothing, follows no pointers, and throws for no input.
/// </summary>
internal ref struct Query
{
    public const int HeaderLength = 12;

    public QueryKind Kind;
    public ushort Id;
    /// <summary>The second 16 bits of the header.</summary>
    public ushort Flags;
    /// <summary>Lower case, wire form; in the buffer that was passed.</summary>
    public ReadOnlySpan<byte> Name;
    public ushort Type;
    public ushort Class;
    /// <summary>Where the question ends in the packet; 0 when it was not understood.</summary>
    public int QuestionEnd;
    public bool HasEdns;
    public bool DnssecOk;
    /// <summary>What the client can take by UDP, at least 512.</summary>
    public int UdpSize;

    public readonly int Operation => (Flags >> 11) & 0xF;

    /// <param name="packet">Any bytes.</param>
    /// <param name="name">At least 255 bytes for <see cref="Name"/>.</param>
    public static Query Read(ReadOnlySpan<byte> packet, Span<byte> name)
    {
        var query = new Query { UdpSize = 512 };
        if (packet.Length < HeaderLength) return query.As(QueryKind.Silence);
        query.Id = BinaryPrimitives.ReadUInt16BigEndian(packet);
        query.Flags = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if ((query.Flags & 0x8000) != 0) return query.As(QueryKind.Silence);
        if (query.Operation != 0) return query.As(QueryKind.OtherOperation);
        var records = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) + BinaryPrimitives.ReadUInt16BigEndian(packet[8..]);
        var additional = BinaryPrimitives.ReadUInt16BigEndian(packet[10..]);
        // An IXFR query carries a SOA in the authority section, hence records are passed over and not refused.
        if (BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) != 1) return query.As(QueryKind.Malformed);
        var at = ReadName(packet, HeaderLength, name, out var length);
        if (at < 0 || at + 4 > packet.Length) return query.As(QueryKind.Malformed);
        query.Name = name[..length];
        query.Type = BinaryPrimitives.ReadUInt16BigEndian(packet[at..]);
        query.Class = BinaryPrimitives.ReadUInt16BigEndian(packet[(at + 2)..]);
        query.QuestionEnd = at + 4;
        at += 4;
        for (var i = 0; i < records; i++)
            if ((at = SkipRecord(packet, at)) < 0) return query.As(QueryKind.Malformed);
        for (var i = 0; i < additional; i++)
        {
            var start = at;
            if ((at = SkipRecord(packet, at)) < 0) return query.As(QueryKind.Malformed);
            if (packet[start] == 0 && BinaryPrimitives.ReadUInt16BigEndian(packet[(start + 1)..]) == RecordType.OPT
                && !query.ReadEdns(packet[start..])) return query.As(QueryKind.Malformed);
        }
        if (at != packet.Length) return query.As(QueryKind.Malformed);
        return query.Kind == QueryKind.OtherVersion ? query : query.As(QueryKind.Question);
    }

    Query As(QueryKind kind) => this with { Kind = kind };

    bool ReadEdns(ReadOnlySpan<byte> record)
    {
        if (HasEdns) return false;
        HasEdns = true;
        UdpSize = Math.Max(512, (int)BinaryPrimitives.ReadUInt16BigEndian(record[3..]));
        if (record[6] != 0) Kind = QueryKind.OtherVersion;
        DnssecOk = (record[7] & 0x80) != 0;
        return true;
    }

    /// <summary>Reads a question's name, which has no pointers; -1 when it is none.</summary>
    static int ReadName(ReadOnlySpan<byte> packet, int at, Span<byte> name, out int length)
    {
        length = 0;
        while (at < packet.Length)
        {
            var label = packet[at];
            if (label > DnsName.MaxLabel || at + 1 + label > packet.Length || length + 1 + label > DnsName.MaxWire - 1
                && label > 0) return -1;
            name[length++] = label;
            at++;
            if (label == 0) return at;
            for (var i = 0; i < label; i++)
            {
                var octet = packet[at++];
                name[length++] = octet is >= (byte)'A' and <= (byte)'Z' ? (byte)(octet | 0x20) : octet;
            }
        }
        return -1;
    }

    /// <summary>Where the record after this one begins; -1 when this one does not fit into the packet.</summary>
    static int SkipRecord(ReadOnlySpan<byte> packet, int at)
    {
        while (true)
        {
            if (at >= packet.Length) return -1;
            var label = packet[at];
            if (label >= 0xC0)
            {
                at += 2;
                break;
            }
            if (label > DnsName.MaxLabel) return -1;
            at += label + 1;
            if (label == 0) break;
        }
        if (at + 10 > packet.Length) return -1;
        at += 10 + BinaryPrimitives.ReadUInt16BigEndian(packet[(at + 8)..]);
        return at <= packet.Length ? at : -1;
    }
}
