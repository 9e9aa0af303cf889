using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;

namespace Monolith.Agent.Ledger;

/// <summary>
/// The bytes of a ledger. Pure. All numbers are little-endian.
/// <code>
///   file   = "MLEDGER1" record*
///   record = length:u32  digest:8  payload[length]
///   payload= generation:u64  kind:u8 (0 drop, 1 put)  keyLength:u16  key  body
/// </code>
/// The digest is the beginning of SHA-256 over length and payload, so that neither a torn record, nor zeroes that a
/// file system left behind after a power loss, nor a flipped bit pass for a record.
/// </summary>
internal static class LedgerCodec
{
    public const int MaxPayload = 16 * 1024 * 1024;
    private const int DigestLength = 8;
    private const int HeaderLength = sizeof(uint) + DigestLength;
    private const int FixedPayload = sizeof(ulong) + 1 + sizeof(ushort);

    public static ReadOnlySpan<byte> Magic => "MLEDGER1"u8;

    public static void Write(IBufferWriter<byte> to, LedgerRecord record)
    {
        var keyLength = Encoding.UTF8.GetByteCount(record.Key);
        var payload = FixedPayload + keyLength + (record.Body?.Length ?? 0);
        if (payload > MaxPayload || keyLength > ushort.MaxValue)
            throw new IOException($"ledger record of {payload} bytes is over the limit of {MaxPayload}");
        var span = to.GetSpan(HeaderLength + payload)[..(HeaderLength + payload)];
        BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)payload);
        var body = span[HeaderLength..];
        BinaryPrimitives.WriteUInt64LittleEndian(body, record.Generation);
        body[sizeof(ulong)] = record.Body is null ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteUInt16LittleEndian(body[(sizeof(ulong) + 1)..], (ushort)keyLength);
        Encoding.UTF8.GetBytes(record.Key, body[FixedPayload..]);
        record.Body?.Span.CopyTo(body[(FixedPayload + keyLength)..]);
        WriteDigest(span, span[sizeof(uint)..HeaderLength]);
        to.Advance(span.Length);
    }

    /// <summary>Reads records until the bytes end or no longer are a record.</summary>
    /// <returns>How many bytes are good; 0 when not even the beginning is.</returns>
    public static int Read(ReadOnlySpan<byte> file, List<LedgerRecord> into)
    {
        if (!file.StartsWith(Magic)) return 0;
        var offset = Magic.Length;
        while (TryReadOne(file[offset..], out var record, out var length))
        {
            into.Add(record);
            offset += length;
        }

        return offset;
    }

    private static bool TryReadOne(ReadOnlySpan<byte> from, out LedgerRecord record, out int length)
    {
        record = default;
        length = 0;
        if (from.Length < HeaderLength + FixedPayload) return false;
        var payload = BinaryPrimitives.ReadUInt32LittleEndian(from);
        if (payload is < FixedPayload or > MaxPayload || from.Length - HeaderLength < payload) return false;
        length = HeaderLength + (int)payload;
        Span<byte> digest = stackalloc byte[DigestLength];
        WriteDigest(from[..length], digest);
        if (!digest.SequenceEqual(from[sizeof(uint)..HeaderLength])) return false;
        var body = from[HeaderLength..length];
        var keyLength = BinaryPrimitives.ReadUInt16LittleEndian(body[(sizeof(ulong) + 1)..]);
        if (FixedPayload + keyLength > body.Length) return false;
        var key = Encoding.UTF8.GetString(body.Slice(FixedPayload, keyLength));
        var bytes = body[sizeof(ulong)] == 0 ? null : ByteString.CopyFrom(body[(FixedPayload + keyLength)..]);
        record = new LedgerRecord(key, BinaryPrimitives.ReadUInt64LittleEndian(body), bytes);
        return true;
    }

    private static void WriteDigest(ReadOnlySpan<byte> record, Span<byte> to)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(record[..sizeof(uint)]);
        hash.AppendData(record[HeaderLength..]);
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(whole);
        whole[..DigestLength].CopyTo(to);
    }
}
