using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Monolith.Identity.Tokens;

/// <summary>Bearer tokens: <c>mt1_</c> and 256 random bits in base64url (RFC 4648, 5).</summary>
internal static class TokenSecret
{
    const string Prefix = "mt1_";
    const int Bytes = 32;
    const int Characters = 43;

    public static string Make() => Prefix + Random();

    public static bool IsWellFormed(string token) => token.Length == Prefix.Length + Characters
        && token.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>256 random bits in base64url.</summary>
    public static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>What is stored of a secret. The secret is random, so that a plain hash is as good as a slow one.</summary>
    public static byte[] Digest(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}

/// <summary>The SHA-256 of a token, as a key.</summary>
internal readonly record struct TokenDigest(ulong A, ulong B, ulong C, ulong D)
{
    public static TokenDigest OfSecret(string secret) => Of(TokenSecret.Digest(secret));

    public static TokenDigest Of(ReadOnlySpan<byte> sha256) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(sha256),
        BinaryPrimitives.ReadUInt64LittleEndian(sha256[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(sha256[16..]),
        BinaryPrimitives.ReadUInt64LittleEndian(sha256[24..]));
}
