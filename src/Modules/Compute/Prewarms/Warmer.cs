using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Compute.Vms;
using Monolith.Image.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using State = Monolith.Compute.V1.ImagePrewarm.Types.State;

namespace Monolith.Compute.Prewarms;

/// <summary>
/// Looks at all prewarms together, a second apart at least: finds their images, counts their hypervisors, writes what
/// changed, and tells the agents that are connected here what they are to hold.
/// <code>
///   create, delete, image events ─┐
///   agents come, report ──────────┼─▶ look ─▶ image found? ─▶ rows ─▶ wanted of each hypervisor ─▶ streams
///   timer ────────────────────────┘               └─▶ reports of agents ─▶ counts, state
/// </code>
/// It decides nothing that a repeat or another host would not: each may do it at the same time.
/// </summary>
internal sealed class Warmer(Store<ComputeDb> store, IImages images, VmStreams streams, TimeProvider time)
{
    static readonly Call Self = Call.Of("compute/prewarms");

    /// <summary>A fleet that fetches reports all the time; it is counted no more often than that.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    long last;

    public async Task<Outcome> ReconcileAsync(CancellationToken cancel)
    {
        if (last != 0 && time.GetElapsedTime(last) is var since && since < Pause) return Outcome.Again(Pause - since);
        last = time.GetTimestamp();
        var before = await store.ReadAsync(PrewarmQueries.All);
        if (before.Count == 0 && !await store.ReadAsync(PrewarmQueries.AnyAsync))
        {
            streams.TellNothing();
            return Outcome.Settled;
        }
        var found = new Dictionary<string, Finding>(StringComparer.Ordinal);
        foreach (var image in before.Select(p => p.Image).Distinct())
            found[image] = Finding.Of(image, await images.FindAsync(ResourceName.ProjectOf(image)!, image, cancel));
        var look = await store.ReadAsync(async db => await LookAsync(db, found));
        if (look.Changed) look = await store.WriteAsync(Self, async unit => await WriteAsync(unit, found, cancel), cancel);
        foreach (var hypervisor in look.Hypervisors) streams.Tell(hypervisor.Id, PrewarmQueries.Of(look.Prewarms, hypervisor));
        return Outcome.Settled;
    }

    /// <summary>Whether there is anything to look at, or was and somebody has not heard yet.</summary>
    public async Task<bool> IsNeededAsync() => streams.HoldsImages || await store.ReadAsync(PrewarmQueries.AnyAsync);

    /// <param name="Changed">The rows say something else.</param>
    sealed record Look(List<ImagePrewarmRow> Prewarms, List<PrewarmQueries.Choice> Hypervisors, bool Changed);

    static async Task<Look> LookAsync(ComputeDb db, Dictionary<string, Finding> found)
    {
        var (prewarms, hypervisors) = (await PrewarmQueries.All(db), await PrewarmQueries.Choices(db));
        var changed = false;
        var now = DateTime.MinValue;
        foreach (var row in prewarms)
            if (found.TryGetValue(row.Image, out var finding)) changed |= finding.Apply(row, now);
        var reports = await ReportsAsync(db, prewarms);
        foreach (var row in prewarms) changed |= Count(row, hypervisors, reports, now);
        var wanted = prewarms.Select(p => p.Sha256).Distinct().ToList();
        changed |= await db.ImageReports.AnyAsync(r => !wanted.Contains(r.Sha256));
        return new(prewarms, hypervisors, changed);
    }

    static async Task<Look> WriteAsync(Unit<ComputeDb> unit, Dictionary<string, Finding> found, CancellationToken cancel)
    {
        var (prewarms, hypervisors) = (await PrewarmQueries.All(unit.Db), await PrewarmQueries.Choices(unit.Db));
        var changed = new HashSet<ImagePrewarmRow>();
        foreach (var row in prewarms)
            if (found.TryGetValue(row.Image, out var finding) && finding.Apply(row, unit.Now)) changed.Add(row);
        var reports = await ReportsAsync(unit.Db, prewarms);
        foreach (var row in prewarms)
            if (Count(row, hypervisors, reports, unit.Now)) changed.Add(row);
        foreach (var row in changed)
        {
            row.Touch("", unit.Now);
            unit.Emit(Change.Updated, row);
        }
        var wanted = prewarms.Select(p => p.Sha256).Distinct().ToList();
        await unit.Db.ImageReports.Where(r => !wanted.Contains(r.Sha256)).ExecuteDeleteAsync(cancel);
        return new(prewarms, hypervisors, false);
    }

    static async Task<ILookup<string, ImageReportRow>> ReportsAsync(ComputeDb db, List<ImagePrewarmRow> prewarms)
    {
        var wanted = prewarms.Where(p => p.Sha256.Length > 0).Select(p => p.Sha256).Distinct().ToList();
        if (wanted.Count == 0) return Array.Empty<ImageReportRow>().ToLookup(r => r.Sha256);
        return (await db.ImageReports.AsNoTracking().Where(r => wanted.Contains(r.Sha256)).ToListAsync()).ToLookup(r => r.Sha256);
    }

    /// <returns>Whether the row changed.</returns>
    static bool Count(ImagePrewarmRow row, List<PrewarmQueries.Choice> hypervisors, ILookup<string, ImageReportRow> reports,
        DateTime now)
    {
        var members = hypervisors.Where(h => row.Matches(h.Zone, h.Labels))
            .Select(h => new Member(h.Id, h.Up, h.Capabilities.Contains("\"prewarm\":\"1\"", StringComparison.Ordinal)));
        var tally = row.Sha256.Length == 0
            ? Tally.None
            : Tally.Of(members, reports[row.Sha256].ToDictionary(r => r.Hypervisor, StringComparer.Ordinal), row.SizeBytes);
        var state = row.Sha256.Length > 0 ? tally.State : row.ImageReason == "IMAGE_NOT_READY" ? State.Warming : State.Failed;
        if (row.Tally == tally && row.State == state) return false;
        if (row.State != state) row.StateTime = now;
        (row.Tally, row.State) = (tally, state);
        return true;
    }

    /// <summary>What a hypervisor says of the images that it is to have, all at once; of others it has no say.</summary>
    /// <returns>Whether it is news.</returns>
    public async Task<bool> TakeAsync(string node, ImageStatuses statuses, CancellationToken cancel)
    {
        // A fleet that comes back says what is known, nearly always.
        if (!await store.ReadAsync(db => KeepAsync(db, node, statuses, writes: false))) return false;
        return await store.WriteAsync(Call.Of("nodes/" + node), unit => KeepAsync(unit.Db, node, statuses, writes: true), cancel);
    }

    static async Task<bool> KeepAsync(ComputeDb db, string node, ImageStatuses statuses, bool writes)
    {
        var wanted = (await PrewarmQueries.OfNodeAsync(db, node)).Select(w => w.Sha256).ToHashSet(StringComparer.Ordinal);
        var said = statuses.Images.Where(i => wanted.Contains(i.Sha256)).DistinctBy(i => i.Sha256)
            .ToDictionary(i => i.Sha256, StringComparer.Ordinal);
        var known = (await PrewarmQueries.ReportsOf(db, node)).ToDictionary(r => r.Sha256, StringComparer.Ordinal);
        var left = known.Values.Where(r => !said.ContainsKey(r.Sha256)).ToList();
        var changed = left.Count > 0;
        if (writes) db.ImageReports.RemoveRange(left);
        foreach (var status in said.Values)
        {
            if (!known.TryGetValue(status.Sha256, out var row))
            {
                row = new ImageReportRow { Hypervisor = node, Sha256 = status.Sha256 };
                if (writes) db.ImageReports.Add(row);
                changed = true;
            }
            changed |= row.Take(status);
        }
        return changed;
    }
}
