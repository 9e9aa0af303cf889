namespace Monolith.Fleet.Probing;

/// <summary>Calls that go on beside every step, to see what the step does to them. Immutable.</summary>
public sealed record ProbeShape
{
    /// <summary>GetServer, a second.</summary>
    public double Gets { get; init; }

    /// <summary>ListServers of all projects, a page of 100, a second.</summary>
    public double Lists { get; init; }

    /// <summary>Watches of one project, in which a server is changed once a second.</summary>
    public int Watchers { get; init; }

    internal bool Asks => Gets > 0 || Lists > 0 || Watchers > 0;
}
