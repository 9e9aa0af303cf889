using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Monolith.Identity.Sessions;

/// <summary>
/// What is kept of a password: Argon2id (RFC 9106, 4: 64 MiB, three passes), in the PHC string format, which names its own
/// strength: another can be chosen later.
/// <code>$argon2id$v=19$m=65536,t=3,p=1${salt}${hash}</code>
/// </summary>
internal static class Password
{
    const int MemoryKib = 65_536, Passes = 3, SaltLength = 16, HashLength = 32;

    /// <summary>Of no password. Whoever does not exist takes as long to be refused as who does.</summary>
    public static string Nobodys { get; } = Text(MemoryKib, Passes, new byte[SaltLength], new byte[HashLength]);

    public static string Hash(string password) => Hash(password, MemoryKib, Passes);

    public static string Hash(string password, int memoryKib, int passes)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltLength);
        return Text(memoryKib, passes, salt, Derive(password, memoryKib, passes, salt));
    }

    public static bool Verify(string password, string kept)
    {
        if (kept.Split('$') is not ["", "argon2id", "v=19", var strength, var salt, var hash]
            || strength.Split(',') is not [['m', '=', .. var memory], ['t', '=', .. var passes], "p=1"])
            throw new FormatException("What is kept of a password is no Argon2id.");
        return CryptographicOperations.FixedTimeEquals(Decode(hash),
            Derive(password, int.Parse(memory, CultureInfo.InvariantCulture), int.Parse(passes, CultureInfo.InvariantCulture), Decode(salt)));
    }

    static byte[] Derive(string password, int memoryKib, int passes, byte[] salt) => PasswordBasedKeyDerivationAlgorithm.Argon2id(new Argon2Parameters
    {
        DegreeOfParallelism = 1,
        MemorySize = memoryKib,
        NumberOfPasses = passes,
    }).DeriveBytes(Encoding.UTF8.GetBytes(password), salt, HashLength);

    static string Text(int memoryKib, int passes, byte[] salt, byte[] hash) =>
        string.Create(CultureInfo.InvariantCulture, $"$argon2id$v=19$m={memoryKib},t={passes},p=1${Encode(salt)}${Encode(hash)}");

    static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    static byte[] Decode(string text) => Convert.FromBase64String(text + new string('=', (4 - text.Length % 4) % 4));
}
