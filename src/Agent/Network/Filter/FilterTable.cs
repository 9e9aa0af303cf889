using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Network.Filter;

/// <summary>The rule set in the kernel: reads it and brings it to a target in one transaction.</summary>
internal sealed class FilterTable(DataPlaneOptions options, NftablesContext nftables)
{
    private readonly Skeleton skeleton = new(options);
    private FilterState? actual;

    /// <summary>Forgets what was read, so that the next use reads the kernel again.</summary>
    public void Forget() => actual = null;

    public FilterState Actual => actual ??= Read();

    /// <summary>
    /// Applies what differs. When the kernel refuses, what was read may be stale: it is read again, once.
    /// </summary>
    /// <param name="target">The target for what the kernel has.</param>
    /// <returns>The state that the kernel now has.</returns>
    public FilterState Apply(Func<FilterState, FilterState> target)
    {
        try
        {
            return ApplyOnce(target);
        }
        catch (NftablesException)
        {
            Forget();
        }

        try
        {
            return ApplyOnce(target);
        }
        catch (NftablesException)
        {
            Forget();
            throw;
        }
    }

    private FilterState ApplyOnce(Func<FilterState, FilterState> target)
    {
        var actual = Actual;
        var next = target(actual);
        var commands = FilterDelta.Commands(actual, next);
        if (!actual.Markers.SetEquals([skeleton.Marker]))
        {
            commands = skeleton.Commands(actual.Markers) + commands;
            next = next with { Markers = [skeleton.Marker] };
        }

        if (commands.Length > 0)
            nftables.Apply(commands);
        return this.actual = next;
    }

    private FilterState Read()
    {
        var state = List($"list table {Skeleton.Table}") is { } table ? FilterListing.Parse(table) : FilterState.Empty;
        return List($"list set {Skeleton.ArpTable} {Skeleton.ArpSet}") is { } arp
            && List($"list set {Skeleton.ArpTable} {Skeleton.ArpRangeSet}") is { } ranges
            ? state with { Arp = FilterListing.ParseBindings(arp), ArpRanges = FilterListing.ParseBindings(ranges) }
            : state with { Markers = [] };
    }

    private string? List(string command)
    {
        try
        {
            return nftables.ListJson(command);
        }
        catch (NftablesException e) when (e.IsNotFound)
        {
            return null;
        }
    }
}
