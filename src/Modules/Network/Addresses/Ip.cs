using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Monolith.Network.Addresses;

/// <summary>An IPv4 or IPv6 address as a number, so that prefixes are ranges. Immutable.</summary>
/// <param name="Family">4 or 6.</param>
internal readonly record struct Ip(int Family, UInt128 Value) : IComparable<Ip>
{
    /// <summary>In the order in which ports list them.</summary>
    public static readonly int[] Families = [4, 6];

    /// <summary>
    /// As it is stored: the family's digit and the address in hexadecimal at fixed width. Text order is address order
    /// in every database, and the families never mix.
    /// </summary>
    public string Key => Family == 4 ? $"4{(uint)Value:x8}" : $"6{Value:x32}";

    public static Ip OfKey(string key) =>
        new(key[0] - '0', UInt128.Parse(key.AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    /// <summary>Of canonical text that was judged before.</summary>
    public static Ip Parse(string text) => TryParse(text, out var ip) ? ip : throw new InvalidOperationException(text);

    /// <summary>Strict: no zone, no abbreviated IPv4, no IPv4 inside IPv6.</summary>
    public static bool TryParse(string text, out Ip ip)
    {
        ip = default;
        if (text.Length > 45 || text.Contains('%') || text.Contains('[')) return false;
        if (!IPAddress.TryParse(text, out var address) || address.IsIPv4MappedToIPv6) return false;
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            if (address.ToString() != text) return false;
            ip = new(4, BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes()));
            return true;
        }
        ip = new(6, BinaryPrimitives.ReadUInt128BigEndian(address.GetAddressBytes()));
        return true;
    }

    public Ip Next => this with { Value = Value + 1 };

    public Ip Previous => this with { Value = Value - 1 };

    public int CompareTo(Ip other) =>
        Family != other.Family ? Family.CompareTo(other.Family) : Value.CompareTo(other.Value);

    public static bool operator <(Ip a, Ip b) => a.CompareTo(b) < 0;
    public static bool operator >(Ip a, Ip b) => a.CompareTo(b) > 0;
    public static bool operator <=(Ip a, Ip b) => a.CompareTo(b) <= 0;
    public static bool operator >=(Ip a, Ip b) => a.CompareTo(b) >= 0;

    /// <summary>Canonical text (RFC 5952 for IPv6).</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        if (Family == 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Value);
            return new IPAddress(bytes[..4]).ToString();
        }
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return new IPAddress(bytes).ToString();
    }
}

/// <summary>A prefix. Immutable.</summary>
/// <param name="First">Host bits zero.</param>
/// <param name="Length">0 to 32 or 128.</param>
internal readonly record struct Cidr(Ip First, int Length)
{
    int HostBits => (First.Family == 4 ? 32 : 128) - Length;

    public Ip Last => First with { Value = First.Value | Mask(HostBits) };

    public IpRange Range => new(First, Last);

    public bool Contains(Ip ip) => First <= ip && ip <= Last;

    public bool Overlaps(Cidr other) => First <= other.Last && other.First <= Last;

    /// <summary>Reads <c>address/length</c>; <paramref name="problem"/> says what is wrong otherwise.</summary>
    public static bool TryParse(string text, out Cidr cidr, out string problem)
    {
        cidr = default;
        problem = "must be a CIDR such as 10.64.0.0/16 or 2001:db8::/64";
        var slash = text.IndexOf('/');
        if (slash < 0 || !Ip.TryParse(text[..slash], out var ip)) return false;
        if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || length > (ip.Family == 4 ? 32 : 128)) return false;
        cidr = new(ip, length);
        var hostBits = ip.Value & Mask(cidr.HostBits);
        if (hostBits != 0)
        {
            problem = $"has host bits that are not zero; did you mean {new Cidr(ip with { Value = ip.Value - hostBits }, length)}";
            return false;
        }
        if (cidr.ToString() == text) return true;
        problem = $"must be written {cidr}";
        return false;
    }

    public override string ToString() => $"{First}/{Length}";

    static UInt128 Mask(int bits) => bits == 128 ? UInt128.MaxValue : (UInt128.One << bits) - 1;
}

/// <summary>Addresses from one to another, both included, of one family. Immutable.</summary>
internal readonly record struct IpRange(Ip First, Ip Last)
{
    /// <summary>How many; saturates.</summary>
    public UInt128 Count => Last.Value - First.Value == UInt128.MaxValue
        ? UInt128.MaxValue
        : Last.Value - First.Value + 1;

    public bool Contains(Ip ip) => First <= ip && ip <= Last;

    public bool Overlaps(IpRange other) => First <= other.Last && other.First <= Last;

    public bool Holds(IpRange other) => First <= other.First && other.Last <= Last;

    /// <summary>Reads an address, a CIDR or <c>first-last</c>; <paramref name="problem"/> says what is wrong otherwise.</summary>
    public static bool TryParse(string text, out IpRange range, out string problem)
    {
        range = default;
        if (text.Contains('/'))
        {
            var fine = Cidr.TryParse(text, out var cidr, out problem);
            if (fine) range = cidr.Range;
            return fine;
        }
        problem = "must be an address, a CIDR, or a range such as 10.64.0.5-10.64.0.9";
        var dash = text.IndexOf('-');
        if (!Ip.TryParse(dash < 0 ? text : text[..dash], out var first)
            || !Ip.TryParse(dash < 0 ? text : text[(dash + 1)..], out var last)) return false;
        if (first.Family != last.Family || first > last)
        {
            problem = "must begin with the lower of two addresses of one family";
            return false;
        }
        range = new(first, last);
        if (text == $"{first}" || text == $"{first}-{last}") return true;
        problem = $"must be written {range}";
        return false;
    }

    public override string ToString() => First == Last ? First.ToString() : $"{First}-{Last}";
}
