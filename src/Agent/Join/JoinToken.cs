using System.Diagnostics.CodeAnalysis;

namespace Monolith.Agent.Join;

/// <summary>
/// <c>mj1.{node}.{secret}.{sha256 of the CA certificate, lower-case hex}</c>: one use, and all the trust that a machine
/// needs before it has any.
/// </summary>
public sealed record JoinToken(string Text, string Node, string CaSha256)
{
    private const int DigestLength = 64, MaxLength = 512;

    public static bool TryParse(string? text, [NotNullWhen(true)] out JoinToken? token)
    {
        token = null;
        if (text is null || text.Length > MaxLength
            || text.Split('.') is not ["mj1", { Length: > 0 } node, { Length: > 0 }, var ca])
            return false;
        if (ca.Length != DigestLength || !ca.All(char.IsAsciiHexDigitLower)) return false;
        token = new JoinToken(text, node, ca);
        return true;
    }

    /// <summary>Never the secret.</summary>
    public override string ToString() => $"mj1.{Node}.…";
}
