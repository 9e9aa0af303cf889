using System.Globalization;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Nodes;
using Monolith.Fleet.Probing;
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

    /// <summary>What people are shown, in this order; empty: every figure by its name.</summary>
    public IReadOnlyList<TableRow> Table { get; init; } = [];

    /// <summary>The size that the thresholds are for, in words; null when it is this one's.</summary>
    public string? GoalsFor { get; init; }

    /// <summary>How many servers its create steps ask for.</summary>
    public int Servers => Steps.OfType<CreateStep>().Sum(s => s.Servers);

    /// <summary>The same with other numbers; null leaves one as it is.</summary>
    /// <param name="servers">Of all create steps together, which keep their shares.</param>
    public Scenario Sized(int? hypervisors, int? servers)
    {
        var sized = this with
        {
            Fleet = Fleet with { Hypervisors = hypervisors ?? Fleet.Hypervisors },
            Steps = servers is not { } wanted || Servers == 0 ? Steps
                : [.. Steps.Select(s => s is CreateStep c ? c with { Servers = Share(c.Servers, wanted) } : s)],
        };
        return sized.Size == Size ? this : sized with { GoalsFor = GoalsFor ?? Size };

        int Share(int part, int whole) => Math.Max(1, (int)Math.Round((double)part * whole / Servers));
    }

    string Size => string.Create(
        CultureInfo.InvariantCulture, $"{Fleet.Hypervisors:N0} hypervisors, {Servers:N0} servers");
}

/// <summary>A figure in words. Immutable.</summary>
public sealed record TableRow(string Words, string Figure);
