using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Monolith.Agent.Native.Raw;
using static Monolith.Agent.Native.Raw.NetlinkConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// Walks the attributes in a span. A malformed length ends the walk: bytes from the kernel are not trusted to be well
/// formed, so that a newer kernel cannot make the agent read past its buffer.
/// </summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> rest = bytes;

    public ushort Type { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The value as a number; zero when it is shorter than one.</summary>
    public readonly uint UInt32 => MemoryMarshal.TryRead<uint>(Value, out var value) ? value : 0;

    public readonly byte Byte => Value.Length > 0 ? Value[0] : (byte)0;

    public readonly string Text => Encoding.UTF8.GetString(Value.TrimEnd((byte)0));

    public bool Next()
    {
        if (!MemoryMarshal.TryRead<nlattr>(rest, out var header))
            return false;
        var size = Unsafe.SizeOf<nlattr>();
        if (header.nla_len < size || header.nla_len > rest.Length)
            return false;
        Type = (ushort)(header.nla_type & NLA_TYPE_MASK);
        Value = rest[size..header.nla_len];
        rest = rest[Math.Min(NetlinkMessage.Align(header.nla_len), rest.Length)..];
        return true;
    }

    /// <summary>The value of the first attribute of a type; empty when there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> bytes, ushort type)
    {
        var attributes = new NetlinkAttributes(bytes);
        while (attributes.Next())
        {
            if (attributes.Type == type)
                return attributes.Value;
        }

        return default;
    }
}
