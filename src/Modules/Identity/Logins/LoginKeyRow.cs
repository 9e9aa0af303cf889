namespace Monolith.Identity.Logins;

/// <summary>One of the keys that login certificates are signed with.</summary>
internal sealed class LoginKeyRow
{
    /// <summary><c>user</c> or <c>host</c>.</summary>
    public required string Use { get; init; }

    /// <summary>PKCS#8, sealed.</summary>
    public required byte[] SealedKey { get; init; }

    public DateTime CreateTime { get; init; }
}
