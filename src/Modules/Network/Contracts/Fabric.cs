namespace Monolith.Network.Contracts;

/// <summary>What nodes have in the fabric: their BGP sessions, what is wrong with their networks, and the addresses that they
/// translate to.</summary>
public interface IFabricNodes
{
    /// <summary>The node is no more. Idempotent.</summary>
    Task ForgetAsync(string node, CancellationToken cancel);
}
