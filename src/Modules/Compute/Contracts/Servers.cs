namespace Monolith.Compute.Contracts;

/// <summary>What others need to know of a server. Immutable.</summary>
/// <param name="Name"><c>projects/{project}/servers/{server}</c></param>
/// <param name="Addresses">First network first; empty until they are claimed.</param>
public sealed record ServerFacts(Guid Uid, string Name, IReadOnlyList<string> Addresses, bool Running);

public interface IServers
{
    /// <summary>Null when there is no such server.</summary>
    Task<ServerFacts?> FindAsync(string name, CancellationToken cancel);
}
