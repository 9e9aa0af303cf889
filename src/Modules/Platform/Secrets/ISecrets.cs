namespace Monolith.Platform.Secrets;

/// <summary>Secrets as they lie in databases and files: sealed, with keys that are kept apart from them.</summary>
public interface ISecrets
{
    /// <param name="purpose">What it is; what was sealed for one purpose does not open for another.</param>
    byte[] Seal(string purpose, ReadOnlySpan<byte> secret);

    /// <summary>What is not sealed is given back as it is.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It was changed, or is of another purpose, or its
    /// key is not among those that are known.</exception>
    byte[] Open(string purpose, ReadOnlySpan<byte> secret);
}

/// <summary>For modules that are tried without the one that keeps the keys.</summary>
public sealed class NoSecrets : ISecrets
{
    public static NoSecrets Instance { get; } = new();

    public byte[] Seal(string purpose, ReadOnlySpan<byte> secret) => secret.ToArray();

    public byte[] Open(string purpose, ReadOnlySpan<byte> secret) => secret.ToArray();
}
