using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Monolith.Agent.Network;

/// <summary>An Ethernet address (EUI-48), written as <c>52:54:00:12:34:56</c>.</summary>
public readonly record struct MacAddress(ulong Value) : IParsable<MacAddress>
{
    public const int Length = 6;

    public static MacAddress Broadcast { get; } = new(0xffff_ffff_ffff);

    public static MacAddress Read(ReadOnlySpan<byte> bytes) => new(
        ((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(Value >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], (uint)Value);
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Write(bytes);
        return bytes;
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(byte)(Value >> 40):x2}:{(byte)(Value >> 32):x2}:{(byte)(Value >> 24):x2}:"
        + $"{(byte)(Value >> 16):x2}:{(byte)(Value >> 8):x2}:{(byte)Value:x2}");

    public static MacAddress Parse(string s, IFormatProvider? provider = null) => TryParse(s, provider, out var mac)
        ? mac
        : throw new FormatException($"'{s}' is not an Ethernet address such as 52:54:00:12:34:56");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out MacAddress result)
    {
        result = default;
        if (s is null || s.Length != 17)
            return false;
        ulong value = 0;
        for (var i = 0; i < Length; i++)
        {
            var last = i == Length - 1;
            if ((!last && s[(i * 3) + 2] != ':')
                || !byte.TryParse(s.AsSpan(i * 3, 2), NumberStyles.AllowHexSpecifier, null, out var octet))
                return false;
            value = (value << 8) | octet;
        }

        result = new MacAddress(value);
        return true;
    }
}
