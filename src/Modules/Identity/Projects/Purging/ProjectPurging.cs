using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Projects.Purging;

/// <summary>A project is deleted with all that it owns, or brought back: the row says so, and the reconciler does the rest.</summary>
internal sealed class ProjectPurging(Store<IdentityDb> store, Registry registry, Holdings holdings, IdentityOptions options,
    Reconciler<ProjectName> loop)
{
    /// <summary>From its answer on nothing is made in the project by this host.</summary>
    public async Task<Empty> BeginAsync(DeleteProjectRequest request, Call call, CancellationToken cancel)
    {
        ProjectRules.RefuseBuiltIn(request.Name);
        var wait = request.Wait?.ToTimeSpan() ?? options.PurgeWait;
        var answer = await store.MutateAsync(call, request,
            _ => holdings.LeftAsync(ResourceName.LastId(request.Name), cancel), async (unit, left) =>
        {
            var row = await FindAsync(unit.Db, request.Name);
            row.Touch(request.Etag, unit.Now);
            // It goes already, as asked.
            if (row.Purging) return new Empty();
            row.DeleteTime ??= unit.Now;
            row.PurgeTime = unit.Now + wait;
            row.DeletedBy = call.Caller.Name;
            (row.DeletedWith, row.DeletedFrom) = (call.Origin?.Credential ?? "", call.Origin?.Peer ?? "");
            row.Report = PurgeReport.Of(row, left, moves: true, unit.Now);
            ProjectService.Emit(unit, Change.Updated, row);
            return new Empty();
        }, cancel);
        await registry.CaughtUpAsync();
        if (!request.ValidateOnly) loop.Wake(new(request.Name));
        return answer;
    }

    public async Task<Project> UndoAsync(UndeleteProjectRequest request, Call call, CancellationToken cancel)
    {
        var project = await store.MutateAsync(call, request, async unit =>
        {
            var row = await FindAsync(unit.Db, request.Name);
            row.Touch(request.Etag, unit.Now);
            ProjectRules.CheckUndelete(row, unit.Now);
            (row.DeleteTime, row.PurgeTime, row.Report) = (null, null, []);
            row.DeletedBy = row.DeletedWith = row.DeletedFrom = "";
            return ProjectService.Emit(unit, Change.Updated, row);
        }, cancel);
        await registry.CaughtUpAsync();
        return project;
    }

    public async Task<PlanProjectDeletionResponse> PlanAsync(string name, CancellationToken cancel)
    {
        await store.ReadAsync(db => FindAsync(db, name));
        ProjectRules.RefuseBuiltIn(name);
        var left = await holdings.LeftAsync(ResourceName.LastId(name), cancel);
        return new()
        {
            Remainders = { left.Select(PurgeReport.ToRemainder) },
            DefaultWait = Duration.FromTimeSpan(options.PurgeWait),
        };
    }

    static async Task<ProjectRow> FindAsync(IdentityDb db, string name) =>
        await db.Projects.FirstOrDefaultAsync(p => p.Name == name) ?? throw Fault.NotFound(name);
}
