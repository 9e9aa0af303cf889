using System.Globalization;
using System.Text;

namespace Monolith.Agent.Network.Metadata;

internal enum HttpParse
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,
    Complete,

    /// <summary>Not HTTP/1.x, or not what this server understands.</summary>
    Malformed,
}

/// <summary>
/// The head of a request (RFC 9112), of at most <see cref="MaxHead"/> bytes. The connection is closed after one answer, so
/// nothing can be smuggled behind the head, or behind the one body that is read (<see cref="BodyOf"/>).
/// </summary>
internal sealed record HttpRequest(string Method, string Path)
{
    public const int MaxHead = 8 * 1024;
    private static ReadOnlySpan<byte> EndOfHead => "\r\n\r\n"u8;

    /// <summary>Reads what has arrived so far. Never throws.</summary>
    public static HttpParse Parse(ReadOnlySpan<byte> bytes, out HttpRequest? request)
    {
        request = null;
        var end = bytes.IndexOf(EndOfHead);
        if (end < 0)
            return bytes.Length >= MaxHead || !LooksLikeText(bytes) ? HttpParse.Malformed : HttpParse.Incomplete;
        if (end + EndOfHead.Length > MaxHead || !LooksLikeText(bytes[..end]))
            return HttpParse.Malformed;
        var line = bytes[..end];
        var lineEnd = line.IndexOf("\r\n"u8);
        request = ParseLine(Encoding.ASCII.GetString(lineEnd < 0 ? line : line[..lineEnd]));
        return request is null ? HttpParse.Malformed : HttpParse.Complete;
    }

    /// <summary>Where the body begins, and how long it is: 0 when that is not said, null when it cannot be told.</summary>
    /// <param name="bytes">With a whole head.</param>
    public static (int Start, int? Length) BodyOf(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf(EndOfHead);
        int? length = 0;
        foreach (var line in Encoding.ASCII.GetString(bytes[..end]).Split("\r\n").Skip(1))
        {
            var parts = line.Split(':', 2);
            if (parts[0].Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
                length = null;
            else if (parts[0].Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                length = length == 0 && parts.Length == 2
                    && int.TryParse(parts[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var said) ? said : null;
        }

        return (end + EndOfHead.Length, length);
    }

    private static HttpRequest? ParseLine(string line)
    {
        var parts = line.Split(' ');
        if (parts.Length != 3 || parts[0].Length == 0 || !parts[2].StartsWith("HTTP/1.", StringComparison.Ordinal))
            return null;
        var path = parts[1];
        if (path.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            var slash = path.IndexOf('/', "http://".Length);
            path = slash < 0 ? "/" : path[slash..];
        }

        var query = path.IndexOfAny(['?', '#']);
        path = query < 0 ? path : path[..query];
        return path.StartsWith('/') ? new HttpRequest(parts[0], path) : null;
    }

    private static bool LooksLikeText(ReadOnlySpan<byte> bytes) =>
        bytes.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7e) < 0 || OnlyTextAndLineEnds(bytes);

    private static bool OnlyTextAndLineEnds(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (b is 0x7f || (b < 0x20 && b is not ((byte)'\r' or (byte)'\n' or (byte)'\t')))
                return false;
        }

        return true;
    }
}

/// <summary>An answer, with its whole body in memory.</summary>
internal sealed record HttpAnswer(int Status, string Reason, string ContentType, ReadOnlyMemory<byte> Body)
{
    public static HttpAnswer Text(string body) =>
        new(200, "OK", "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(body));

    public static HttpAnswer Json(ReadOnlyMemory<byte> body) => new(200, "OK", "application/json", body);

    public static HttpAnswer Bytes(ReadOnlyMemory<byte> body) => new(200, "OK", "application/octet-stream", body);

    public static HttpAnswer Error(int status, string reason, string what) =>
        new(status, reason, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(what + "\n"));

    public byte[] Head() => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {Status} {Reason}\r\nContent-Type: {ContentType}\r\n"
        + $"Content-Length: {Body.Length}\r\nConnection: close\r\n\r\n");
}
