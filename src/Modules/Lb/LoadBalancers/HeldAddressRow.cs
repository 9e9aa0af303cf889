namespace Monolith.Lb.LoadBalancers;

/// <summary>
/// The address of a load balancer that is deleted while a node has not let go of it: made with the deletion, gone when no
/// <see cref="StatusRow"/> of it is left. The tombstone that keeps the address from having two owners.
/// </summary>
internal sealed class HeldAddressRow
{
    public Guid LoadBalancerUid { get; init; }

    public required string Address { get; init; }
}
