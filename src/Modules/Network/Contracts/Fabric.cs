namespace Monolith.Network.Contracts;

/// <summary>What is known of nodes' BGP sessions.</summary>
public interface IFabricNodes
{
    /// <summary>The node is no more. Idempotent.</summary>
    Task ForgetAsync(string node, CancellationToken cancel);
}
