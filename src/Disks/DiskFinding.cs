namespace Monolith.Disks;

public enum DiskKind
{
    Raw,
    Qcow2,
}

/// <summary>What a file turned out to be.</summary>
/// <param name="Kind">Of no meaning when it is refused.</param>
/// <param name="VirtualSizeBytes">The disk that the guest sees; 0 when it is refused.</param>
/// <param name="Refusal">Why it is no image, in words that a tenant may read; null when it is one.</param>
public sealed record DiskFinding(DiskKind Kind, long VirtualSizeBytes, string? Refusal = null)
{
    internal static DiskFinding Refuse(string why) => new(DiskKind.Raw, 0, why);
}
