using System.Collections.Immutable;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// The rule set in the kernel: reads it, brings it to a target in one transaction, and sees who else changed it.
/// <code>
/// the kernel's count of transactions is as this left it ─► the rule set is, too: nothing is read
///                                    somebody else counted ─► what is listed is held against the mirror
/// </code>
/// </summary>
internal sealed class FilterTable(DataPlaneOptions options, NftablesContext nftables) : IDisposable
{
    private const int Looks = 3;

    private readonly Skeleton skeleton = new(options);
    private readonly NftablesGeneration generation = new();
    private readonly FilterMirror mirror = new();
    private readonly List<FilterDifference> noticed = [];
    private FilterState? actual;

    /// <summary>What this made, whatever somebody else makes of it.</summary>
    private FilterState? intended;

    /// <summary>The count at which the kernel has what is intended; null when that is not known.</summary>
    private uint? whole;

    /// <summary>An earlier version of the agent may have left what this one does not make.</summary>
    private bool upgraded;

    /// <summary>Forgets what was read, so that the next use reads the kernel again.</summary>
    public void Forget() => actual = null;

    public FilterState Actual => actual ??= Read();

    /// <summary>Taps that have filters.</summary>
    public IEnumerable<string> Taps => intended?.Ports.Keys ?? [];

    /// <summary>What others changed since this was asked, be it mended already or not.</summary>
    public IReadOnlyList<FilterDifference> TakeDifferences()
    {
        Notice();
        var taken = noticed.Distinct().ToList();
        noticed.Clear();
        return taken;
    }

    /// <summary>Makes the whole rule set anew, as it was intended, in one transaction.</summary>
    public void Rebuild()
    {
        if (intended is not { } target)
            return;
        if (Opaque(target).Count > 0)
        {
            // After a restart: rules whose plans are still to come can only be left as they are.
            actual = ReadKernel() with { Markers = [] };
            Apply(_ => target);
            return;
        }

        Remake(target);
    }

    public void Dispose()
    {
        mirror.Dispose();
        generation.Dispose();
    }

    /// <summary>Both tables as the kernel lists them.</summary>
    public static Ruleset List(NftablesContext nftables) => Ruleset.Read(
        List(nftables, $"list table {Skeleton.Table}"), List(nftables, $"list table {Skeleton.ArpTable}"));

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
            upgraded |= intended is null && actual.Markers.Count > 0;
            next = next with { Markers = [skeleton.Marker] };
        }

        if (commands.Length > 0)
            Commit(commands);
        if (intended is not null && Opaque(intended).Except(Opaque(next)).Any())
            whole = null;
        return this.actual = intended = next;
    }

    /// <summary>Nobody else counted meanwhile: what was whole is so again.</summary>
    private void Commit(string commands)
    {
        var before = generation.Read();
        nftables.Apply(commands);
        whole = whole == before && generation.Read() == before + 1 ? before + 1 : null;
    }

    private void Remake(FilterState target)
    {
        string[] tables = [Skeleton.Table, Skeleton.ArpTable];
        // A table that is not there cannot be deleted.
        Commit(string.Concat(tables.Select(t => $"add table {t}\ndelete table {t}\n")) + Everything(target));
        (actual, upgraded) = (target, false);
    }

    private void Notice()
    {
        if (intended is not { } target)
            return;
        if (upgraded && Opaque(target).Count == 0)
            Remake(target);
        for (var look = 0; look < Looks; look++)
        {
            var at = generation.Read();
            if (whole == at)
                return;
            var listed = List(nftables);
            if (generation.Read() != at)
                continue;
            var differences = FilterDifference.Between(mirror.Of(Everything(target)), listed, Opaque(target));
            noticed.AddRange(differences.Where(d => !upgraded || d is not { Change: FilterChange.Foreign, Element: "" }));
            whole = differences.Count == 0 ? at : null;
            return;
        }
    }

    /// <summary>Commands that make it from nothing.</summary>
    private string Everything(FilterState target) =>
        skeleton.Commands([]) + FilterDelta.Commands(FilterState.Empty, target with
        {
            Chains = target.Chains.ToImmutableSortedDictionary(
                c => c.Key, c => c.Value.Body.Length > 0 ? c.Value : c.Value with { Body = "drop" }),
        });

    /// <summary>Chains of ports that an earlier process made and whose plans did not come yet, as objects.</summary>
    private static HashSet<string> Opaque(FilterState state) =>
        [.. state.Chains.Values.Where(c => c.Body.Length == 0).Select(c => $"chain inet {c.Name}")];

    /// <summary>Who reads puts right next: what others changed is noticed first.</summary>
    private FilterState Read()
    {
        Notice();
        return ReadKernel();
    }

    private FilterState ReadKernel()
    {
        var state = List(nftables, $"list table {Skeleton.Table}") is { } table ? FilterListing.Parse(table) : FilterState.Empty;
        return List(nftables, $"list set {Skeleton.ArpTable} {Skeleton.ArpSet}") is { } arp
            && List(nftables, $"list set {Skeleton.ArpTable} {Skeleton.ArpRangeSet}") is { } ranges
            ? state with { Arp = FilterListing.ParseBindings(arp), ArpRanges = FilterListing.ParseBindings(ranges) }
            : state with { Markers = [] };
    }

    private static string? List(NftablesContext nftables, string command)
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
