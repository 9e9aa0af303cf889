namespace Monolith.Simulation.Tests.Load;

/// <summary>What a client was told of a server of its own. Its names are nobody else's.</summary>
internal sealed class Known
{
    public required string Uid { get; init; }
    public bool Deleted { get; set; }
    public bool Stopped { get; set; }
}
