using System.Globalization;

namespace Monolith.Cli.Session;

/// <summary>How results are written.</summary>
internal enum OutputFormat
{
    Table,
    Json,
    Yaml,
    Name,
}

/// <summary>
/// What holds for one run: the command line first, then the environment, then the configuration file.
/// </summary>
internal sealed record Settings
{
    /// <summary>With its scheme: <c>http://127.0.0.1:5080</c>.</summary>
    public required Uri Endpoint { get; init; }
    public string? Token { get; init; }
    /// <summary>A file with the CA certificate (PEM) that the host's certificate must come from.</summary>
    public string? Ca { get; init; }
    public string? Project { get; init; }
    public OutputFormat Output { get; init; }
    /// <summary>For the whole command, waiting included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);
    public bool Verbose { get; init; }

    public const string DefaultEndpoint = "127.0.0.1:5080";

    /// <summary>
    /// Gives an endpoint its scheme. Without one, plaintext is for loopback only: a token does not cross a network in
    /// the clear because a scheme was forgotten.
    /// </summary>
    /// <param name="text"><c>host:port</c>, <c>http://…</c> or <c>https://…</c>.</param>
    /// <param name="tlsEndpoint">The lab's or the deployment's TLS endpoint, when the environment names it.</param>
    /// <param name="secure">Whoever names a CA in the same breath wants TLS.</param>
    public static Uri ParseEndpoint(string text, string? tlsEndpoint, bool secure = false)
    {
        var written = text;
        if (!text.Contains("://", StringComparison.Ordinal))
        {
            var host = Uri.TryCreate("any://" + text, UriKind.Absolute, out var bare) ? bare.Host : "";
            var plain = !secure && text != tlsEndpoint && bare?.Port != 5443 && host is "localhost" or "127.0.0.1" or "[::1]";
            written = (plain ? "http://" : "https://") + text;
        }
        if (Uri.TryCreate(written, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https"
            && endpoint.Host.Length > 0)
            return endpoint;
        throw new UsageException(
            $"'{text}' is not an endpoint.", "Write HOST:PORT, http://HOST:PORT or https://HOST:PORT.");
    }

    /// <summary>
    /// Parses a span of time: <c>90</c> or <c>90s</c>, <c>1500ms</c>, <c>5m</c>, <c>2h</c>, <c>7d</c>.
    /// </summary>
    public static TimeSpan ParseSpan(string text)
    {
        var digits = text.TrimEnd('a', 'b', 'd', 'h', 'i', 'm', 'n', 's');
        var seconds = text[digits.Length..] switch
        {
            "" or "s" => 1,
            "ms" => 0.001,
            "m" or "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => double.NaN,
        };
        if (double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number * seconds is >= 0 and <= 315_360_000)
            return TimeSpan.FromSeconds(number * seconds);
        throw new UsageException($"'{text}' is not a span of time.", "Write a number with s, m, h or d: 90s, 5m, 7d.");
    }

    /// <summary>Parses a time: RFC 3339, or as a span of time that is past.</summary>
    public static DateTimeOffset ParseMoment(string text, DateTimeOffset now) =>
        text.Contains('-', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var given)
            ? given
            : now - ParseSpan(text);
}
