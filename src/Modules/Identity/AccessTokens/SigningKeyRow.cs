namespace Monolith.Identity.AccessTokens;

/// <summary>A key that access tokens are signed with.</summary>
internal sealed class SigningKeyRow
{
    /// <summary>The only one of its period: two hosts cannot make two.</summary>
    public required long Period { get; init; }

    /// <summary>PKCS #8, sealed.</summary>
    public required byte[] SealedKey { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreateTime { get; init; }
}
