using Monolith.Platform.Faults;

namespace Monolith.Dns.Contracts;

/// <summary>Names that resources own. Everything is idempotent; a change is served when the call returns.</summary>
public interface INames
{
    /// <summary>The name that a resource of a project gets: <c>web1.demo.cloud.internal</c>, no trailing dot.</summary>
    string NameFor(string project, string id);

    /// <summary>
    /// Makes the owner's records exactly these: A and AAAA in the zone that holds the name, PTR in the reverse zones,
    /// which are made when they are missing.
    /// </summary>
    /// <param name="owner">The resource's name.</param>
    /// <param name="ownerUid">Records belong to this incarnation of the owner.</param>
    /// <exception cref="Fault">FAILED_PRECONDITION, reason NAME_TAKEN, when the name leads to somebody else's address or is
    /// an alias.</exception>
    Task SetAsync(string owner, Guid ownerUid, string name, IReadOnlyList<string> addresses, CancellationToken cancel);

    /// <summary>
    /// Why the name cannot be the owner's, in words that its user may read; null when nothing speaks against it. A look
    /// ahead: <see cref="SetAsync"/> decides.
    /// </summary>
    /// <param name="owner">The resource's name; what an earlier incarnation of it holds is not in its way.</param>
    Task<string?> FindObstacleAsync(string owner, string name, CancellationToken cancel);

    /// <summary>Removes every record of the owner.</summary>
    Task RemoveAsync(Guid ownerUid, CancellationToken cancel);
}
