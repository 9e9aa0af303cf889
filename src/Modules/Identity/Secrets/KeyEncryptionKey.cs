using System.Security.Cryptography;
using Monolith.Identity.Authority;

namespace Monolith.Identity.Secrets;

/// <summary>A key that only keys are sealed with. It is in no database.</summary>
/// <param name="Id">Of the key: it tells which one it was, and nothing about it.</param>
internal sealed record KeyEncryptionKey(Guid Id, byte[] Key)
{
    const string File = "kek";

    /// <summary>Reads 64 hexadecimal digits.</summary>
    /// <param name="text">White space around them is none of the key.</param>
    /// <param name="from">Where they are, for people.</param>
    /// <exception cref="InvalidOperationException">They are none.</exception>
    public static KeyEncryptionKey Parse(string text, string from)
    {
        var digits = text.Trim();
        if (digits.Length != 2 * Sealed.KeyLength || !digits.All(char.IsAsciiHexDigit))
            throw new InvalidOperationException(
                $"{from} holds no key: {2 * Sealed.KeyLength} hexadecimal digits are wanted. `openssl rand -hex 32` makes one.");
        var key = Convert.FromHexString(digits);
        return new(new Guid(HKDF.DeriveKey(HashAlgorithmName.SHA256, key, Sealed.IdLength, info: "monolith kek id"u8.ToArray()), bigEndian: true),
            key);
    }

    /// <summary>The one that is given, or the one of the data directory, which is made when there is none.</summary>
    public static async Task<KeyEncryptionKey> CurrentAsync(IdentityOptions options, CancellationToken cancel)
    {
        if (options.KeyEncryptionKey is { } given) return Parse(given.Text, given.From);
        var path = Path.Combine(options.DataDirectory, File);
        Directory.CreateDirectory(options.DataDirectory);
        if (!System.IO.File.Exists(path))
            await PrivateFile.WriteAsync(path, RandomNumberGenerator.GetHexString(2 * Sealed.KeyLength, lowercase: true) + "\n", cancel: cancel,
                overwrite: false);
        return Parse(await System.IO.File.ReadAllTextAsync(path, cancel), path);
    }

    /// <summary>The one before: what was given for it, and what is in the data directory when another is given.</summary>
    public static async Task<IReadOnlyList<KeyEncryptionKey>> EarlierAsync(IdentityOptions options, CancellationToken cancel)
    {
        var earlier = new List<KeyEncryptionKey>();
        if (options.KeyEncryptionKeyBefore is { } before) earlier.Add(Parse(before.Text, before.From));
        var path = Path.Combine(options.DataDirectory, File);
        if (options.KeyEncryptionKey is not null && System.IO.File.Exists(path))
            earlier.Add(Parse(await System.IO.File.ReadAllTextAsync(path, cancel), path));
        return earlier;
    }

    // A record would print it.
    public override string ToString() => Id.ToString();
}
