using Monolith.Platform.Quotas;

namespace Monolith.Network.Contracts;

/// <summary>A port that an owner wants. Immutable.</summary>
/// <param name="Project">The project's id.</param>
/// <param name="Owner">The resource's name; with <paramref name="Index"/> the key: the same claim gives the same port.</param>
/// <param name="OwnerUid">The owner's uid: a later owner of the same name gets ports of its own.</param>
/// <param name="Index">From 0, in the order of the guest's interfaces.</param>
/// <param name="Network">The network's name; empty for the project's <c>default</c>.</param>
/// <param name="SecurityGroups">Names; empty for the network's.</param>
/// <param name="Address">A particular address, or empty.</param>
/// <param name="Hostname">For DHCP.</param>
/// <param name="Zone">The availability zone that the owner is bound to for good; empty: none. Pools of a zone are for those
/// of that zone.</param>
public sealed record PortClaim(string Project, string Owner, Guid OwnerUid, int Index, string Network,
    IReadOnlyList<string> SecurityGroups, string Address, string Hostname, string Zone = "");

/// <summary>A claimed port. Immutable.</summary>
/// <param name="Addresses">IPv4 first.</param>
/// <param name="Index">As in the claim.</param>
public sealed record PortFacts(Guid Uid, string Name, string MacAddress, IReadOnlyList<string> Addresses, int Mtu,
    string Network, bool Announced, string? Failure, int Index = 0);

/// <summary>
/// Ports as their owners need them. Everything is idempotent. What cannot be done is a Fault with its cause
/// (no free address, no such network).
/// </summary>
public interface IPorts
{
    /// <summary>All violations of claims that could not be made, with field paths below the given ones, without
    /// claiming anything.</summary>
    /// <param name="fields">One path for each claim: <c>server.networks[0]</c>.</param>
    Task<IReadOnlyList<Monolith.Platform.Faults.FieldViolation>> CheckAsync(IReadOnlyList<PortClaim> claims,
        IReadOnlyList<string> fields, CancellationToken cancel);

    /// <summary>The quotas that claims without violations would exceed now. The claim itself is what decides: others may
    /// be faster.</summary>
    Task<IReadOnlyList<ExceededQuota>> ExceededAsync(IReadOnlyList<PortClaim> claims, CancellationToken cancel);

    /// <summary>Claims all or none, in one transaction.</summary>
    /// <param name="hypervisor">Which is to have them, as by <see cref="BindAsync"/>; empty: none.</param>
    Task<IReadOnlyList<PortFacts>> ClaimAsync(IReadOnlyList<PortClaim> claims, CancellationToken cancel,
        string hypervisor = "");

    /// <summary>Says which hypervisor is to have the owner's ports, in place of the one before.</summary>
    Task BindAsync(Guid ownerUid, string hypervisor, CancellationToken cancel);

    /// <summary>Has another hypervisor make the owner's ports as well, for a server that is about to come to it; empty:
    /// none any more. <see cref="BindAsync"/> to it makes it the only one.</summary>
    Task ShareAsync(Guid ownerUid, string hypervisor, CancellationToken cancel);

    /// <summary>Takes the owner's ports from the hypervisor; addresses stay claimed.</summary>
    Task UnbindAsync(Guid ownerUid, CancellationToken cancel);

    /// <summary>Gives the owner's ports and addresses back.</summary>
    Task ReleaseAsync(Guid ownerUid, CancellationToken cancel);

    /// <summary>As <see cref="ReleaseAsync(Guid, CancellationToken)"/>, of one port alone.</summary>
    Task ReleaseAsync(Guid ownerUid, int index, CancellationToken cancel);

    /// <summary>The owner's ports, by index.</summary>
    Task<IReadOnlyList<PortFacts>> OfAsync(Guid ownerUid, CancellationToken cancel);
}

/// <summary>A virtual address of a load balancer.</summary>
public interface IVirtualAddresses
{
    /// <summary>Claims an address for an owner; the same owner gets the same address.</summary>
    /// <param name="pool">The pool's name; empty for the only one that the project may use.</param>
    Task<string> ClaimAsync(string project, string owner, Guid ownerUid, string pool, CancellationToken cancel);

    /// <summary>The quotas that a claim would exceed now.</summary>
    Task<IReadOnlyList<ExceededQuota>> ExceededAsync(string project, CancellationToken cancel);

    Task ReleaseAsync(Guid ownerUid, CancellationToken cancel);
}
