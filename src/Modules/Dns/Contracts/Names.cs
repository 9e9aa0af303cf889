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
    Task SetAsync(string owner, Guid ownerUid, string name, IReadOnlyList<string> addresses, CancellationToken cancel);

    /// <summary>Removes every record of the owner.</summary>
    Task RemoveAsync(Guid ownerUid, CancellationToken cancel);
}
