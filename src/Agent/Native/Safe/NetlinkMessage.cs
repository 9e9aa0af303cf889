using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Monolith.Agent.Native.Raw;
using static Monolith.Agent.Native.Raw.NetlinkConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// Builds one request: header, family header, attributes. Attributes are aligned to four bytes (netlink(7)).
/// </summary>
internal sealed class NetlinkMessage
{
    private byte[] buffer = new byte[256];
    private int length = Unsafe.SizeOf<nlmsghdr>();

    private NetlinkMessage(ushort type, ushort flags)
    {
        Type = type;
        Flags = flags;
    }

    public ushort Type { get; }

    public ushort Flags { get; }

    public static NetlinkMessage Of<THeader>(ushort type, ushort flags, THeader header)
        where THeader : unmanaged
    {
        var message = new NetlinkMessage(type, (ushort)(flags | NLM_F_REQUEST));
        MemoryMarshal.Write(message.Grow(Unsafe.SizeOf<THeader>()), in header);
        return message;
    }

    public NetlinkMessage Add(ushort type, ReadOnlySpan<byte> value)
    {
        var header = new nlattr { nla_len = (ushort)(Unsafe.SizeOf<nlattr>() + value.Length), nla_type = type };
        var room = Grow(Unsafe.SizeOf<nlattr>() + value.Length);
        MemoryMarshal.Write(room, in header);
        value.CopyTo(room[Unsafe.SizeOf<nlattr>()..]);
        return this;
    }

    public NetlinkMessage Add(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        MemoryMarshal.Write(bytes, in value);
        return Add(type, bytes);
    }

    public NetlinkMessage Add(ushort type, byte value) => Add(type, [value]);

    public NetlinkMessage Add(ushort type, string value) => Add(type, Encoding.UTF8.GetBytes(value + '\0'));

    public NetlinkMessage Add(ushort type, IPAddress value) => Add(type, value.GetAddressBytes());

    /// <summary>Adds an attribute whose value is the attributes that <paramref name="fill"/> adds.</summary>
    public NetlinkMessage AddNested(ushort type, Action<NetlinkMessage> fill)
    {
        var start = this.length;
        Add((ushort)(type | NLA_F_NESTED), ReadOnlySpan<byte>.Empty);
        fill(this);
        var length = (ushort)(this.length - start);
        MemoryMarshal.Write(buffer.AsSpan(start), in length);
        return this;
    }

    /// <summary>The bytes to send. Sequence numbers belong to the socket.</summary>
    public ReadOnlySpan<byte> Finish(uint sequence)
    {
        var header = new nlmsghdr
        {
            nlmsg_len = (uint)length,
            nlmsg_type = Type,
            nlmsg_flags = Flags,
            nlmsg_seq = sequence,
        };
        MemoryMarshal.Write(buffer, in header);
        return buffer.AsSpan(0, length);
    }

    private Span<byte> Grow(int length)
    {
        var start = this.length;
        this.length += Align(length);
        if (this.length > buffer.Length)
            Array.Resize(ref buffer, Math.Max(buffer.Length * 2, this.length));
        return buffer.AsSpan(start, length);
    }

    internal static int Align(int length) => (length + 3) & ~3;
}
