namespace Monolith.Network.Contracts;

/// <summary>What is known of nodes' BGP sessions, and of what is wrong with their networks.</summary>
public interface IFabricNodes
{
    /// <summary>The node is no more. Idempotent.</summary>
    Task ForgetAsync(string node, CancellationToken cancel);
}
