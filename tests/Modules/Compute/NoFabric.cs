using Monolith.Network.Contracts;

namespace Monolith.Modules.Tests.Compute;

/// <summary>No node speaks BGP.</summary>
internal sealed class NoFabric : IFabricNodes
{
    public Task ForgetAsync(string node, CancellationToken cancel) => Task.CompletedTask;
}
