using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Monolith.Events.V1;

namespace Monolith.Protos;

/// <summary>The chain of the audit log, as <c>audit.proto</c> says: for who writes it, and for who proves what was exported.</summary>
public static class AuditDigest
{
    public const int Length = 32;

    /// <param name="previous">Of the entry before; empty for the first.</param>
    /// <param name="entry">All but its digest.</param>
    public static byte[] Of(ReadOnlySpan<byte> previous, AuditEntry entry)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(previous.IsEmpty ? stackalloc byte[Length] : previous);
        Add(hash, entry.Sequence);
        Add(hash, entry.Time is { } time ? (time.Seconds * 1_000_000) + (time.Nanos / 1000) : 0);
        foreach (var text in (ReadOnlySpan<string>)[entry.Caller, entry.Credential, entry.Peer, entry.Method, entry.Resource, entry.Project])
            Add(hash, text);
        Add(hash, entry.Code);
        foreach (var text in (ReadOnlySpan<string>)[entry.Reason, entry.RequestId, entry.TraceId, entry.EventType, entry.EventUid])
            Add(hash, text);
        Add(hash, entry.Count);
        return hash.GetHashAndReset();
    }

    static void Add(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        hash.AppendData(bytes);
    }

    static void Add(IncrementalHash hash, string text)
    {
        Span<byte> length = stackalloc byte[4];
        var bytes = Encoding.UTF8.GetBytes(text);
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
