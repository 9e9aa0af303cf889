using System.Security.Cryptography;
using System.Text;

namespace Monolith.Agent.Sync;

/// <summary>
/// The digest of sync.proto: SHA-256 over <c>id:version\n</c> of all items in ordinal order of their ids.
/// </summary>
internal static class Digest
{
    public static string Of(IEnumerable<KeyValuePair<string, string>> versions)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (id, version) in versions.OrderBy(v => v.Key, StringComparer.Ordinal))
            hash.AppendData(Encoding.UTF8.GetBytes($"{id}:{version}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>32 hexadecimal digits over a message's bytes: the version of a status.</summary>
    public static string OfBytes(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return Convert.ToHexStringLower(hash[..16]);
    }
}
