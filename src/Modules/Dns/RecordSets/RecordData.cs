using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Monolith.Dns.Serving;

namespace Monolith.Dns.RecordSets;

/// <summary>One value of a record set: text as people write it (RFC 1035, 5), canonical text, and RDATA.</summary>
/// <param name="Text">Canonical; null when the value is none.</param>
/// <param name="Data">RDATA; null when the value is none.</param>
/// <param name="Error">What is expected; null when all is well.</param>
internal readonly record struct RecordData(string? Text, byte[]? Data, string? Error)
{
    const int MaxData = 4096;

    /// <summary>Throws for no input.</summary>
    public static RecordData Parse(string type, string value)
    {
        var parsed = type switch
        {
            "A" => Address(value, AddressFamily.InterNetwork, "an IPv4 address such as 10.64.0.3"),
            "AAAA" => Address(value, AddressFamily.InterNetworkV6, "an IPv6 address such as fd64::3"),
            "CNAME" or "NS" or "PTR" => Host(value),
            "MX" => Numbered(value, 1, "a preference and a host: 10 mail.example.com."),
            "SRV" => Numbered(value, 3, "priority, weight, port and host: 0 5 5060 sip.example.com."),
            "TXT" => Texts(value),
            "CAA" => Caa(value),
            _ => Wrong("a value of a known type"),
        };
        return parsed.Data is { Length: > MaxData } ? Wrong($"at most {MaxData} octets") : parsed;
    }

    static RecordData Wrong(string expected) => new(null, null, expected);

    static RecordData Address(string value, AddressFamily family, string expected)
    {
        // IPAddress also takes 10.1 and 0x0a.1; a canonical IPv4 text is its own.
        if (!IPAddress.TryParse(value, out var address) || address.AddressFamily != family || value.Contains('%')
            || value.Contains('[') || family == AddressFamily.InterNetwork && address.ToString() != value)
            return Wrong(expected);
        return new(address.ToString(), address.GetAddressBytes(), null);
    }

    static RecordData Host(string value)
    {
        var name = value.ToLowerInvariant();
        if (name == ".") return new(".", [0], null);
        if (!name.EndsWith('.') || name.Length - 1 > RecordSetRules.MaxName
            || !name[..^1].Split('.').All(RecordSetRules.IsLabel))
            return Wrong("a full name that ends with a dot, such as mail.example.com.");
        return new(name, DnsName.Encode(name[..^1]), null);
    }

    static RecordData Numbered(string value, int numbers, string expected)
    {
        var words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length != numbers + 1) return Wrong(expected);
        var text = new StringBuilder();
        var data = new List<byte>();
        for (var i = 0; i < numbers; i++)
        {
            if (!ushort.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return Wrong(expected);
            text.Append(CultureInfo.InvariantCulture, $"{number} ");
            data.AddRange([(byte)(number >> 8), (byte)number]);
        }
        var host = Host(words[numbers]);
        if (host.Data is null) return host;
        return new(text.Append(host.Text).ToString(), [.. data, .. host.Data], null);
    }

    static RecordData Texts(string value)
    {
        if (Strings(value) is not { Count: > 0 } strings)
            return Wrong("one or more strings of at most 255 octets, in quotes when they have spaces");
        return new(string.Join(' ', strings.Select(Quote)),
            [.. strings.SelectMany(s => (byte[])[(byte)s.Length, .. s])], null);
    }

    static RecordData Caa(string value)
    {
        const string Expected = "flags, a tag and a quoted value: 0 issue \"ca.example.net\"";
        var words = value.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length != 3 || !byte.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var flags)
            || words[1].Length is 0 or > 15 || !words[1].All(char.IsAsciiLetterOrDigit)
            || Strings(words[2]) is not [var text]) return Wrong(Expected);
        var tag = words[1].ToLowerInvariant();
        return new($"{flags} {tag} {Quote(text)}", [flags, (byte)tag.Length, .. Encoding.ASCII.GetBytes(tag), .. text], null);
    }

    /// <summary>Character strings (RFC 1035, 5.1); null when they are malformed or one is too long.</summary>
    static List<byte[]>? Strings(string value)
    {
        var strings = new List<byte[]>();
        var at = 0;
        while (true)
        {
            while (at < value.Length && value[at] is ' ' or '\t') at++;
            if (at >= value.Length) return strings;
            var quoted = value[at] == '"';
            if (quoted) at++;
            var octets = new List<byte>();
            while (true)
            {
                if (at >= value.Length)
                {
                    if (quoted) return null;
                    break;
                }
                var c = value[at];
                if (quoted ? c == '"' : c is ' ' or '\t') break;
                if (char.IsControl(c) || !quoted && c == '"') return null;
                if (c == '\\')
                {
                    if (Escaped(value, ref at) is not { } octet) return null;
                    octets.Add(octet);
                    continue;
                }
                var size = char.IsHighSurrogate(c) && at + 1 < value.Length ? 2 : 1;
                octets.AddRange(Encoding.UTF8.GetBytes(value.Substring(at, size)));
                at += size;
            }
            if (quoted)
            {
                at++;
                if (at < value.Length && value[at] is not (' ' or '\t')) return null;
            }
            if (octets.Count > 255) return null;
            strings.Add([.. octets]);
        }
    }

    static byte? Escaped(string value, ref int at)
    {
        at++;
        if (at >= value.Length || value[at] is < ' ' or > '~') return null;
        if (!char.IsAsciiDigit(value[at])) return (byte)value[at++];
        if (at + 3 > value.Length || !byte.TryParse(value.AsSpan(at, 3), NumberStyles.None,
            CultureInfo.InvariantCulture, out var octet)) return null;
        at += 3;
        return octet;
    }

    static string Quote(byte[] octets)
    {
        var text = new StringBuilder("\"");
        foreach (var octet in octets)
            if (octet is (byte)'"' or (byte)'\\') text.Append('\\').Append((char)octet);
            else if (octet is < (byte)' ' or > (byte)'~') text.Append(CultureInfo.InvariantCulture, $"\\{octet:D3}");
            else text.Append((char)octet);
        return text.Append('"').ToString();
    }
}
