using Microsoft.Extensions.Logging;
using Monolith.Compute.Contracts;
using Monolith.Platform.Names;

namespace Monolith.Compute.Placement;

/// <summary>What operators added to the cloud's own filters and weighers. A plug-in's mistake is its own: it never
/// breaks a placement. Safe for concurrent use, if they are.</summary>
internal sealed partial class PlacementRules
{
    readonly IReadOnlyList<IPlacementWeigher> weighers;
    readonly ILogger log;

    public PlacementRules(IEnumerable<IPlacementFilter> filters, IEnumerable<IPlacementWeigher> weighers,
        ILogger<PlacementRules> log)
    {
        (this.weighers, this.log) = ([.. weighers], log);
        Filters = [.. filters.Select(f => new PlacementFilter(f.Rejects, (c, d) => Passes(f, c, d)))];
    }

    /// <summary>In the order in which they are asked.</summary>
    public IReadOnlyList<PlacementFilter> Filters { get; }

    public bool Pass(Candidate candidate, Demand demand)
    {
        foreach (var filter in Filters)
            if (!filter.Passes(candidate, demand)) return false;
        return true;
    }

    public double Weigh(Candidate candidate, Demand demand)
    {
        var sum = 0.0;
        foreach (var weigher in weighers)
            try
            {
                var weight = weigher.Weigh(Facts(candidate), Facts(demand));
                if (!double.IsNaN(weight)) sum += Math.Clamp(weight, -1, 1);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                LogFailed(weigher.GetType().FullName!, e);
            }
        return sum;
    }

    bool Passes(IPlacementFilter filter, Candidate candidate, Demand demand)
    {
        try
        {
            return filter.Passes(Facts(candidate), Facts(demand));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(filter.GetType().FullName!, e);
            return false;
        }
    }

    static HypervisorFacts Facts(Candidate c) => new(c.Id, c.Up, c.Schedulable, c.AvailabilityZone, Labels.Read(c.Labels),
        c.Traits.Words, c.FreeVcpus, c.FreeMemoryMib, c.FreeDiskGib, c.Vcpus, c.MemoryMib, c.DiskGib, c.Servers);

    static PlacementDemand Facts(Demand d) => new(d.Vcpus, d.MemoryMib, d.DiskGib, d.AvailabilityZone, d.Needs.Words);

    [LoggerMessage(LogLevel.Warning, "The placement plug-in {Type} failed; the hypervisor counts as rejected, or as no better")]
    partial void LogFailed(string type, Exception e);
}
