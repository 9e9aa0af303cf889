using Monolith.Fleet.Hosts;
using Monolith.Fleet.Load;
using Monolith.Fleet.Nodes;
using Monolith.Fleet.Steps;

namespace Monolith.Fleet.Scenarios;

/// <summary>What a run does and what it has to reach. Immutable.</summary>
public sealed record Scenario
{
    public string Name { get; init; } = "";

    /// <summary>What it shows, in a sentence or two.</summary>
    public string About { get; init; } = "";

    public FleetShape Fleet { get; init; } = new();

    public HostShape Host { get; init; } = new();

    /// <summary>Servers are dealt out to that many projects.</summary>
    public int Projects { get; init; } = 500;

    public ProbeShape Probes { get; init; } = new();

    public IReadOnlyList<Step> Steps { get; init; } = [];

    public IReadOnlyList<Threshold> Thresholds { get; init; } = [];
}
