using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Monolith.Compute.KeyPairs;

/// <summary>A line of OpenSSH's public key format (RFC 4253, 6.6): type, base64, comment.</summary>
internal static class PublicKey
{
    static readonly string[] Types =
    [
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ];

    const int MaxLength = 16_384;
    const int MinRsaBits = 2048;

    /// <summary>The key in canonical form with its fingerprint; or what is wrong with it.</summary>
    public static (string Key, string Fingerprint, string? Error) Parse(string line)
    {
        if (line.Length > MaxLength) return Wrong($"must have at most {MaxLength} characters");
        if (line.Contains("PRIVATE KEY", StringComparison.Ordinal))
            return Wrong("is a private key. Keep it to yourself, and send the .pub file");
        var parts = line.Trim().Split([' ', '\t'], 3, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 2 || line.Trim().Any(char.IsControl) && !line.Trim().Contains('\t'))
            return Wrong("must be one line of an OpenSSH .pub file: type, base64, comment");
        if (!Types.Contains(parts[0])) return Wrong($"has the type {Shown(parts[0])}; these are taken: {string.Join(", ", Types)}");
        var blob = new byte[parts[1].Length];
        if (!Convert.TryFromBase64String(parts[1], blob, out var length)) return Wrong("has a key that is not base64");
        var data = blob.AsSpan(0, length);
        if (!TryField(ref data, out var type) || Encoding.ASCII.GetString(type) != parts[0] || !TryField(ref data, out var first))
            return Wrong("has a key that does not fit its type");
        if (parts[0] == "ssh-rsa" && (!TryField(ref data, out var modulus) || Bits(modulus) < MinRsaBits))
            return Wrong($"must have at least {MinRsaBits} bits");
        if (parts[0] == "ssh-ed25519" && first.Length != 32) return Wrong("has a key that does not fit its type");
        var fingerprint = "SHA256:" + Convert.ToBase64String(SHA256.HashData(blob.AsSpan(0, length))).TrimEnd('=');
        return (string.Join(' ', parts), fingerprint, null);
    }

    static (string, string, string?) Wrong(string error) => ("", "", error);

    static string Shown(string text) => text.Length > 40 ? text[..40] + "…" : text;

    static int Bits(ReadOnlySpan<byte> number)
    {
        number = number.TrimStart((byte)0);
        return number.IsEmpty ? 0 : number.Length * 8 - System.Numerics.BitOperations.LeadingZeroCount((uint)number[0]) + 24;
    }

    static bool TryField(ref Span<byte> data, out ReadOnlySpan<byte> field)
    {
        field = default;
        if (data.Length < 4) return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(data);
        if (length > data.Length - 4) return false;
        field = data.Slice(4, (int)length);
        data = data[(4 + (int)length)..];
        return true;
    }
}
