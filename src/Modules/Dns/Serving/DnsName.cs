using System.Text;

namespace Monolith.Dns.Serving;

/// <summary>
/// Domain names in the form of the wire (RFC 1035, 3.1): length, label, …, 0; always lower case (RFC 4343). The text
/// form is lower case without the trailing dot; the root is the empty text.
/// </summary>
internal static class DnsName
{
    public const int MaxWire = 255;
    public const int MaxLabel = 63;

    /// <summary>The wire form of a text that rules have let through; null when it is no name.</summary>
    public static byte[]? TryEncode(string text)
    {
        if (text.Length == 0) return [0];
        if (text.Length > MaxWire - 2) return null;
        var wire = new byte[text.Length + 2];
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] != '.')
            {
                if (text[i] is < '!' or > '~') return null;
                wire[i + 1] = (byte)char.ToLowerInvariant(text[i]);
                continue;
            }
            if (i - start is 0 or > MaxLabel) return null;
            wire[start] = (byte)(i - start);
            start = i + 1;
        }
        return wire;
    }

    public static byte[] Encode(string text) =>
        TryEncode(text) ?? throw new FormatException($"'{text}' is not a domain name.");

    /// <summary>For people; octets that are not printable are written as \DDD.</summary>
    public static string Decode(ReadOnlySpan<byte> wire)
    {
        var text = new StringBuilder();
        for (var at = 0; at < wire.Length && wire[at] != 0; at += wire[at] + 1)
        {
            if (at > 0) text.Append('.');
            foreach (var octet in wire.Slice(at + 1, wire[at]))
                if (octet is (byte)'.' or (byte)'\\') text.Append('\\').Append((char)octet);
                else if (octet is < (byte)'!' or > (byte)'~') text.Append('\\').Append($"{octet:D3}");
                else text.Append((char)octet);
        }
        return text.ToString();
    }

    /// <summary>The name without its first label. Not for the root.</summary>
    public static ReadOnlySpan<byte> Parent(ReadOnlySpan<byte> wire) => wire[(wire[0] + 1)..];

    public static bool IsRoot(ReadOnlySpan<byte> wire) => wire[0] == 0;

    /// <summary>Whether a name is an origin or lies below it.</summary>
    public static bool IsIn(ReadOnlySpan<byte> wire, ReadOnlySpan<byte> origin)
    {
        while (wire.Length > origin.Length) wire = Parent(wire);
        return wire.SequenceEqual(origin);
    }

    /// <summary><c>*</c> under a name.</summary>
    public static int Wildcard(ReadOnlySpan<byte> encloser, Span<byte> into)
    {
        into[0] = 1;
        into[1] = (byte)'*';
        encloser.CopyTo(into[2..]);
        return encloser.Length + 2;
    }
}

/// <summary>Keys of name tables, looked up by a span of a packet.</summary>
internal sealed class DnsNameComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static DnsNameComparer Instance { get; } = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] name) => GetHashCode(name.AsSpan());

    public bool Equals(ReadOnlySpan<byte> name, byte[] other) => name.SequenceEqual(other);

    // Seeded for each process: nobody can prepare names that all fall into one bucket.
    public int GetHashCode(ReadOnlySpan<byte> name)
    {
        var hash = new HashCode();
        hash.AddBytes(name);
        return hash.ToHashCode();
    }

    public byte[] Create(ReadOnlySpan<byte> name) => name.ToArray();
}
