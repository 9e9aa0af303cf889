namespace Monolith.Protos;

/// <summary>
/// By what name of the server (RFC 6066, 3) a node asks the host for a certificate of the authority that it trusts:
/// <c>{first 32 digits of its SHA-256}.authority.invalid</c>. Whoever asks by another name gets one of the authority that signs. So a
/// node that was away while authorities changed still finds a host that it can believe.
/// </summary>
public static class AuthorityName
{
    const int Digits = 32;
    const string Suffix = ".authority.invalid";

    /// <param name="sha256">Of the authority's certificate, lower-case hex.</param>
    public static string Of(string sha256) => sha256[..Digits] + Suffix;

    /// <summary>Whether the name asks for this authority.</summary>
    public static bool Names(string? serverName, string sha256) =>
        string.Equals(serverName, Of(sha256), StringComparison.OrdinalIgnoreCase);
}
