using System.Security.Cryptography;
using System.Text;

namespace Monolith.Identity.Secrets;

/// <summary>
/// A secret with AES-256-GCM around it (NIST SP 800-38D). Nonces are random: a key is good for four thousand million of them.
/// <code>
///   F5 'm' 's' 01 │ key's id, 16 │ nonce, 12 │ tag, 16 │ secret
/// </code>
/// No text in UTF-8 begins with F5. The purpose is sealed with it and not in it.
/// </summary>
internal static class Sealed
{
    public const int IdLength = 16, KeyLength = 32;
    const int NonceLength = 12, TagLength = 16, HeadLength = 4 + IdLength + NonceLength + TagLength;

    static ReadOnlySpan<byte> Mark => [0xF5, (byte)'m', (byte)'s', 1];

    public static bool Is(ReadOnlySpan<byte> bytes) => bytes.Length >= HeadLength && bytes.StartsWith(Mark);

    /// <summary>The key that opens it.</summary>
    public static Guid KeyOf(ReadOnlySpan<byte> bytes) => new(bytes.Slice(4, IdLength), bigEndian: true);

    public static byte[] Seal(Guid id, ReadOnlySpan<byte> key, string purpose, ReadOnlySpan<byte> secret)
    {
        var bytes = new byte[HeadLength + secret.Length];
        Mark.CopyTo(bytes);
        id.TryWriteBytes(bytes.AsSpan(4), bigEndian: true, out _);
        var nonce = bytes.AsSpan(4 + IdLength, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var gcm = new AesGcm(key, TagLength);
        gcm.Encrypt(nonce, secret, bytes.AsSpan(HeadLength), bytes.AsSpan(HeadLength - TagLength, TagLength),
            Encoding.UTF8.GetBytes(purpose));
        return bytes;
    }

    /// <exception cref="CryptographicException">It was changed, or is of another key or purpose.</exception>
    public static byte[] Open(ReadOnlySpan<byte> key, string purpose, ReadOnlySpan<byte> bytes)
    {
        var secret = new byte[bytes.Length - HeadLength];
        using var gcm = new AesGcm(key, TagLength);
        gcm.Decrypt(bytes.Slice(4 + IdLength, NonceLength), bytes[HeadLength..], bytes.Slice(HeadLength - TagLength, TagLength), secret,
            Encoding.UTF8.GetBytes(purpose));
        return secret;
    }
}
