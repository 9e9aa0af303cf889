namespace Monolith.Identity.Secrets;

/// <summary>A key that secrets are sealed with, itself sealed with the key-encryption key.</summary>
internal sealed class DataKeyRow
{
    public required Guid Id { get; init; }

    /// <summary>Sealed anew when the key-encryption key is another.</summary>
    public required byte[] SealedKey { get; set; }

    /// <summary>UTC. The newest seals; all of them open.</summary>
    public required DateTime CreateTime { get; init; }
}
