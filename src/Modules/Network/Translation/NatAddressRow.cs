namespace Monolith.Network.Translation;

/// <summary>
/// The address by which a hypervisor's servers without a floating address are known outside of the cloud. Its key, hypervisor
/// with pool and family, is what makes a second one impossible. Immutable.
/// </summary>
internal sealed class NatAddressRow
{
    /// <summary><c>hypervisors/{hypervisor}</c>.</summary>
    public required string Hypervisor { get; init; }

    public Guid PoolUid { get; init; }

    /// <summary>4 or 6.</summary>
    public int Family { get; init; }

    /// <summary>In the book of addresses, the holder.</summary>
    public Guid Uid { get; init; }

    /// <summary>Canonical text.</summary>
    public required string Address { get; init; }
}
