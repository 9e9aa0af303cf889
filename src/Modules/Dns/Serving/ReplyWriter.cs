using System.Buffers.Binary;

namespace Monolith.Dns.Serving;

/// <summary>
/// Writes replies with compressed owner names (RFC 1035, 4.1.4). A reply that does not fit is cut back to the question
/// with TC set (RFC 2181, 9): half a record set is worse than none.
/// </summary>
internal ref struct ReplyWriter
{
    /// <summary>Largest UDP answer: fits an Ethernet frame with IPv6 and some tunnels (DNS Flag Day 2020).</summary>
    public const int MaxUdp = 1232;
    const int EdnsLength = 11;
    const int MaxNames = 48;
    const int MaxPointer = 0x3FFF;

    readonly Span<byte> buffer;
    readonly Span<ushort> names;
    int at;
    int limit;
    int nameCount;

    ReplyWriter(Span<byte> buffer, Span<ushort> names)
    {
        this.buffer = buffer;
        this.names = names;
    }

    /// <returns>Length of the message in the buffer.</returns>
    /// <param name="packet">The query as it came: its question is sent back with the client's own capitals.</param>
    /// <param name="buffer">At least 512 bytes; nothing is written past its end or past <paramref name="limit"/>.</param>
    public static int Write(scoped in Query query, ReadOnlySpan<byte> packet, Reply reply, Span<byte> buffer, int limit)
    {
        var writer = new ReplyWriter(buffer, stackalloc ushort[MaxNames]);
        return writer.Run(query, packet, reply, limit);
    }

    int Run(scoped in Query query, ReadOnlySpan<byte> packet, Reply reply, int room)
    {
        limit = Math.Min(room, buffer.Length) - (query.HasEdns ? EdnsLength : 0);
        var question = query.QuestionEnd > 0 ? packet[Query.HeaderLength..query.QuestionEnd] : [];
        question.CopyTo(buffer[Query.HeaderLength..]);
        at = Query.HeaderLength + question.Length;
        if (question.Length > 0) Remember(Query.HeaderLength, question[..^4]);
        var (end, kept) = (at, nameCount);
        Span<ushort> counts = stackalloc ushort[3];
        var truncated = !WriteAll(reply.Answer, ref counts[0]) || !WriteAll(reply.Authority, ref counts[1])
            || !WriteAll(reply.Additional, ref counts[2]) && reply.IsReferral;
        if (truncated)
        {
            (at, nameCount) = (end, kept);
            counts.Clear();
        }
        var additional = counts[2];
        if (query.HasEdns)
        {
            WriteEdns(query, reply.Code);
            additional++;
        }
        // QR, the operation, AA, TC, RD as asked, no RA.
        var flags = 0x8000 | (query.Flags & 0x7900) | (reply.Authoritative ? 0x0400 : 0) | (truncated ? 0x0200 : 0)
            | ((int)reply.Code & 0xF);
        BinaryPrimitives.WriteUInt16BigEndian(buffer, query.Id);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[4..], (ushort)(question.Length > 0 ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(buffer[6..], counts[0]);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[8..], counts[1]);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[10..], additional);
        return at;
    }

    bool WriteAll(List<ReplySet> sets, ref ushort count)
    {
        foreach (var (owner, set) in sets)
        {
            var (start, known) = (at, nameCount);
            var written = 0;
            foreach (var data in set.Data)
            {
                if (!WriteRecord(owner, set, data))
                {
                    (at, nameCount) = (start, known);
                    return false;
                }
                written++;
            }
            count += (ushort)written;
        }
        return true;
    }

    bool WriteRecord(byte[] owner, ServedSet set, byte[] data)
    {
        if (!WriteName(owner) || at + 10 + data.Length > limit) return false;
        BinaryPrimitives.WriteUInt16BigEndian(buffer[at..], set.Type);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[(at + 2)..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[(at + 4)..], set.Ttl);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[(at + 8)..], (ushort)data.Length);
        data.CopyTo(buffer[(at + 10)..]);
        // What an alias points to is often the next owner.
        if (set.Type == RecordType.CNAME) Remember(at + 10, data);
        at += 10 + data.Length;
        return true;
    }

    bool WriteName(ReadOnlySpan<byte> name)
    {
        var start = at;
        var whole = name;
        while (!DnsName.IsRoot(name))
        {
            if (Find(name) is { } pointer)
            {
                if (at + 2 > limit) return false;
                BinaryPrimitives.WriteUInt16BigEndian(buffer[at..], (ushort)(0xC000 | pointer));
                at += 2;
                Remember(start, whole[..(whole.Length - name.Length)]);
                return true;
            }
            var length = name[0] + 1;
            if (at + length > limit) return false;
            name[..length].CopyTo(buffer[at..]);
            at += length;
            name = DnsName.Parent(name);
        }
        if (at + 1 > limit) return false;
        buffer[at++] = 0;
        Remember(start, whole);
        return true;
    }

    /// <summary>Where labels of a name begin, for later names to point at.</summary>
    void Remember(int start, ReadOnlySpan<byte> labels)
    {
        for (var i = 0; i < labels.Length && labels[i] != 0; i += labels[i] + 1)
        {
            if (nameCount == MaxNames || start + i > MaxPointer) return;
            names[nameCount++] = (ushort)(start + i);
        }
    }

    readonly int? Find(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < nameCount; i++)
            if (IsAt(names[i], name)) return names[i];
        return null;
    }

    /// <summary>Whether the message has the name there; pointers in what we wrote lead backwards only.</summary>
    readonly bool IsAt(int offset, ReadOnlySpan<byte> name)
    {
        while (true)
        {
            var label = buffer[offset];
            if (label >= 0xC0)
            {
                offset = BinaryPrimitives.ReadUInt16BigEndian(buffer[offset..]) & MaxPointer;
                continue;
            }
            if (label != name[0]) return false;
            if (label == 0) return true;
            for (var i = 1; i <= label; i++)
            {
                var octet = buffer[offset + i];
                if ((octet is >= (byte)'A' and <= (byte)'Z' ? octet | 0x20 : octet) != name[i]) return false;
            }
            offset += label + 1;
            name = DnsName.Parent(name);
        }
    }

    void WriteEdns(scoped in Query query, ResponseCode code)
    {
        var record = buffer[at..];
        record[0] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(record[1..], RecordType.OPT);
        BinaryPrimitives.WriteUInt16BigEndian(record[3..], MaxUdp);
        record[5] = (byte)((int)code >> 4);
        record[6] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(record[7..], (ushort)(query.DnssecOk ? 0x8000 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(record[9..], 0);
        at += EdnsLength;
    }
}
