using Monolith.Platform.Faults;

namespace Monolith.Identity.Nodes;

/// <summary>
/// <c>mj1.{node}.{secret}.{sha256 of the CA certificate, hex}</c>. The node reads from it which CA to trust; the host
/// reads from it whether it is meant.
/// </summary>
internal readonly record struct JoinToken(string Node, string Secret, string AuthorityDigest)
{
    const int SecretLength = 43;
    const int DigestLength = 64;

    public override string ToString() => $"mj1.{Node}.{Secret}.{AuthorityDigest}";

    /// <summary>Null when the text is not a join token.</summary>
    public static JoinToken? Parse(string text)
    {
        if (text.Length > 256 || text.Split('.') is not ["mj1", var node, var secret, var digest]) return null;
        return Violations.IsId(node) && secret.Length == SecretLength && digest.Length == DigestLength
            && digest.All(char.IsAsciiHexDigitLower)
            ? new(node, secret, digest)
            : null;
    }
}
