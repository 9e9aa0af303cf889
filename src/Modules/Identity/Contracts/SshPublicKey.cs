using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Monolith.Identity.Contracts;

/// <summary>
/// A public key of OpenSSH (RFC 4253, 6.6), of a form that can be signed. Immutable.
/// <code>
///   string type │ its fields: as many as the type has, and nothing after them
/// </code>
/// A certificate carries the fields as they are, before its own. Were there one too many, or one that is cut short, then what
/// follows would be read as the certificate's serial number, principals and time: the key's owner would write them.
/// </summary>
public sealed record SshPublicKey
{
    const int MaxLength = 16_384;
    const int MinRsaBits = 2048, MaxRsaBits = 16_384;
    const string Curve256 = "nistp256", Curve384 = "nistp384", Curve521 = "nistp521";

    /// <summary>What each field of a type must be.</summary>
    static readonly Dictionary<string, Func<byte[], bool>[]> Types = new(StringComparer.Ordinal)
    {
        ["ssh-ed25519"] = [f => f.Length == 32],
        ["ecdsa-sha2-nistp256"] = [Is(Curve256), Point(32)],
        ["ecdsa-sha2-nistp384"] = [Is(Curve384), Point(48)],
        ["ecdsa-sha2-nistp521"] = [Is(Curve521), Point(66)],
        ["ssh-rsa"] = [f => Bits(f) is >= 2 and <= 64, f => Bits(f) is >= MinRsaBits and <= MaxRsaBits],
        ["sk-ssh-ed25519@openssh.com"] = [f => f.Length == 32, IsApplication],
        ["sk-ecdsa-sha2-nistp256@openssh.com"] = [Is(Curve256), Point(32), IsApplication],
    };

    readonly byte[] blob;

    SshPublicKey(string type, byte[] blob) => (Type, this.blob) = (type, blob);

    /// <summary><c>ssh-ed25519</c></summary>
    public string Type { get; }

    public ReadOnlySpan<byte> Blob => blob;

    /// <summary>What comes after the type.</summary>
    public ReadOnlySpan<byte> Fields => blob.AsSpan(4 + Type.Length);

    public string Fingerprint => "SHA256:" + Convert.ToBase64String(SHA256.HashData(blob)).TrimEnd('=');

    /// <summary>Type and base64.</summary>
    public override string ToString() => $"{Type} {Convert.ToBase64String(blob)}";

    /// <summary>Reads a line: type, base64, comment.</summary>
    /// <returns>What is wrong with it, as a field's description; null when nothing is.</returns>
    public static string? TryParse(string line, out SshPublicKey? key)
    {
        key = null;
        if (line.Length > MaxLength) return $"must have at most {MaxLength} characters";
        if (line.Contains("PRIVATE KEY", StringComparison.Ordinal)) return "is a private key. Keep it to yourself, and send the .pub file";
        var parts = line.Trim().Split([' ', '\t'], 3, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 2 || parts.Any(p => p.Any(char.IsControl))) return "must be one line of an OpenSSH .pub file: type, base64, comment";
        if (!Types.TryGetValue(parts[0], out var fields)) return $"is of a type that is not signed; these are: {string.Join(", ", Types.Keys)}";
        var bytes = new byte[parts[1].Length];
        if (!Convert.TryFromBase64String(parts[1], bytes, out var length)) return "has a key that is not base64";
        bytes = bytes[..length];
        if (!Fits(bytes, parts[0], fields)) return $"has a key that does not fit its type{(parts[0] == "ssh-rsa" ? $", or less than {MinRsaBits} bits" : "")}";
        key = new(parts[0], bytes);
        return null;
    }

    /// <exception cref="FormatException">It is none.</exception>
    public static SshPublicKey Parse(string line) => TryParse(line, out var key) is { } error ? throw new FormatException("The key " + error) : key!;

    public bool Equals(SshPublicKey? other) => other is not null && blob.AsSpan().SequenceEqual(other.blob);

    public override int GetHashCode() => BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(blob));

    static bool Fits(ReadOnlySpan<byte> data, string type, Func<byte[], bool>[] fields)
    {
        if (!TryField(ref data, out var named) || !named.SequenceEqual(Encoding.ASCII.GetBytes(type))) return false;
        foreach (var fits in fields)
            if (!TryField(ref data, out var field) || !fits(field.ToArray())) return false;
        return data.IsEmpty;
    }

    static bool TryField(ref ReadOnlySpan<byte> data, out ReadOnlySpan<byte> field)
    {
        field = default;
        if (data.Length < 4) return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(data);
        if (length > data.Length - 4) return false;
        field = data.Slice(4, (int)length);
        data = data[(4 + (int)length)..];
        return true;
    }

    static Func<byte[], bool> Is(string word) => f => f.AsSpan().SequenceEqual(Encoding.ASCII.GetBytes(word));

    /// <summary>Not compressed (SEC 1, 2.3.3).</summary>
    static Func<byte[], bool> Point(int size) => f => f.Length == 1 + 2 * size && f[0] == 4;

    static bool IsApplication(byte[] field) => field.Length is > 0 and <= 255 && field.All(b => b is > 0x20 and < 0x7f);

    static int Bits(byte[] number) => (int)Math.Min(new BigInteger(number, isBigEndian: true).GetBitLength(), MaxRsaBits + 1)
        * (number.Length > 0 && number[0] < 0x80 ? 1 : 0);
}
