using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Monolith.Identity.Access;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Projects.Purging;

/// <summary>
/// Removes what deleted projects own, and then the projects.
/// <code>
///   DELETING ──purge time──▶ PURGING ──▶ a turn: some of each kind are asked to go ──▶ report ──┐
///       │ undelete              ▲                                                              │ nothing is left,
///       ▼                       └────────────── something is left: another turn ◀──────────────┤ in every module
///    ACTIVE                                                                                    ▼
///                                                                    the row goes, with bindings and quota
/// </code>
/// Nothing knows an order. Each resource is asked to go as a user would ask; what cannot go before something else is
/// refused, and asked again in the next pass. Each is a write of its own, so that a host may die after any of them, and
/// hosts may do the same at the same time: what is gone is not found, what goes is not asked again.
/// </summary>
internal sealed partial class ProjectPurge(Store<IdentityDb> store, Registry registry, Holdings holdings, TimeProvider time,
    ILogger<ProjectPurge> log)
{
    /// <summary>Resources that one turn asks to go.</summary>
    const int Most = 256;
    const int AtOnce = 8;
    static readonly Call Self = Call.Of("identity/projects");
    static readonly TimeSpan ReportAge = TimeSpan.FromMinutes(1);
    static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(500);

    readonly ConcurrentDictionary<string, PurgePass> passes = new(StringComparer.Ordinal);

    public async Task<Outcome> ReconcileAsync(string name, CancellationToken cancel)
    {
        if (await store.ReadAsync(db => db.Projects.FirstOrDefaultAsync(p => p.Name == name)) is not
            { PurgeTime: { } purgeTime } row)
        {
            passes.TryRemove(name, out _);
            return Outcome.Settled;
        }
        if (!row.Purging)
        {
            var wait = purgeTime - time.GetUtcNow().UtcDateTime;
            if (wait > TimeSpan.Zero)
            {
                await ReportAsync(row, await holdings.LeftAsync(row.Project, cancel), moves: true, cancel);
                return Outcome.Again(wait < ReportAge ? wait : ReportAge);
            }
            return await BeginAsync(row, cancel);
        }
        var pass = passes.GetOrAdd(name, _ => new PurgePass(0));
        var complete = await TurnAsync(row, pass, cancel);
        var left = pass.Explain(await holdings.LeftAsync(row.Project, cancel)).ToList();
        await ReportAsync(row, left, moves: !complete || pass.HasMoved, cancel);
        if (!complete) return Outcome.Again();
        passes[name] = pass.Next();
        return left.Count > 0 ? Outcome.Again(pass.Pause()) : await EndAsync(row, cancel);
    }

    /// <summary>From here on there is no way back.</summary>
    async Task<Outcome> BeginAsync(ProjectRow seen, CancellationToken cancel)
    {
        await store.WriteAsync(Self, async unit =>
        {
            var row = await unit.Db.Projects.FirstOrDefaultAsync(p => p.Uid == seen.Uid);
            // Somebody has brought it back, or put it off.
            if (row is not { Purging: false, PurgeTime: { } time } || time > unit.Now) return;
            row.Touch("", unit.Now);
            row.Purging = true;
            ProjectService.Emit(unit, Change.Updated, row);
        }, cancel);
        return Outcome.Again();
    }

    /// <returns>Whether the pass is through.</returns>
    async Task<bool> TurnAsync(ProjectRow row, PurgePass pass, CancellationToken cancel)
    {
        for (var asked = 0; pass.Kind < holdings.Kinds.Count;)
        {
            if (asked >= Most) return false;
            var kind = holdings.Kinds[pass.Kind];
            var names = await kind.NextAsync(row.Project, pass.After, Math.Min(AtOnce, Most - asked), cancel);
            if (names.Count == 0)
            {
                pass.EndOfKind();
                continue;
            }
            // Another host was through with it while this one slept; what is in a new project of that name is another's.
            if (!await store.ReadAsync(db => db.Projects.AnyAsync(p => p.Uid == row.Uid && p.Purging, cancel))) return true;
            await Task.WhenAll(names.Select(name => DeleteAsync(row, kind, name, pass, cancel)));
            pass.Through(names[^1]);
            asked += names.Count;
        }
        return true;
    }

    async Task DeleteAsync(ProjectRow row, IProjectKind kind, string name, PurgePass pass, CancellationToken cancel)
    {
        try
        {
            await kind.DeleteAsync(name, row.DeletionCall(), cancel);
            pass.Went();
        }
        catch (Fault fault)
        {
            // Another host was faster, or what it belonged to took it along.
            if (fault.Code == Grpc.Core.StatusCode.NotFound) pass.Went();
            else pass.Refused(kind.Kind, fault);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            LogNotDeleted(e, name);
            pass.Refused(kind.Kind, Fault.Internal("identity/projects", $"deleting {name}", "It is tried again."));
        }
    }

    /// <summary>Nothing is told again that was told.</summary>
    async Task ReportAsync(ProjectRow seen, IReadOnlyList<ProjectContent> left, bool moves, CancellationToken cancel)
    {
        if (PurgeReport.Of(seen, left, moves, time.GetUtcNow().UtcDateTime).AsSpan().SequenceEqual(seen.Report)) return;
        await store.WriteAsync(Self, async unit =>
        {
            var row = await unit.Db.Projects.FirstOrDefaultAsync(p => p.Uid == seen.Uid);
            if (row is not { DeleteTime: not null } || row.Purging != seen.Purging) return;
            var report = PurgeReport.Of(row, left, moves, unit.Now);
            if (report.AsSpan().SequenceEqual(row.Report)) return;
            row.Report = report;
            ProjectService.Emit(unit, Change.Updated, row);
        }, cancel);
    }

    /// <summary>
    /// The project has been closed for every host: this one knows it, and another, which would still make something, has
    /// had time to hear of it. Then what the writers say stays true.
    /// </summary>
    async Task<Outcome> EndAsync(ProjectRow seen, CancellationToken cancel)
    {
        var heard = seen.DeleteTime!.Value + (store.IsShared ? Registry.HearsWithin : TimeSpan.Zero) - time.GetUtcNow().UtcDateTime;
        if (heard > TimeSpan.Zero) return Outcome.Again(heard);
        if (!registry.IsDeleted(seen.Project) || await holdings.AnyAsync(seen.Project, cancel)) return Outcome.Again(Soon);
        await store.WriteAsync(seen.DeletionCall(), async unit =>
        {
            if (await unit.Db.Projects.FirstOrDefaultAsync(p => p.Uid == seen.Uid) is not { Purging: true } row) return;
            await ProjectService.RemoveAsync(unit, row);
        }, cancel);
        await registry.CaughtUpAsync();
        passes.TryRemove(seen.Name, out _);
        LogGone(seen.Name);
        return Outcome.Settled;
    }
}
