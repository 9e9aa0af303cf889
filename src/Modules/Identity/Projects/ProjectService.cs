using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Api.V1;
using Monolith.Identity.Access;
using Monolith.Identity.Contracts;
using Monolith.Identity.Domains;
using Monolith.Identity.Projects.Purging;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;
using Monolith.Platform.Watching;

namespace Monolith.Identity.Projects;

internal sealed class ProjectService(Store<IdentityDb> store, Registry registry, ProjectPurging purging,
    IEnumerable<IProjectContents> contents) : V1.ProjectService.ProjectServiceBase
{
    static readonly FilterFields<ProjectRow> Filters = new FilterFields<ProjectRow>()
        .Text("name", p => p.Name)
        .Text("display_name", p => p.DisplayName)
        .Text("domain", p => p.Domain)
        .Labels(p => p.Labels);

    public override async Task<Project> CreateProject(CreateProjectRequest request, ServerCallContext context)
    {
        ProjectRules.Check(request);
        var domain = request.Project?.Domain ?? "";
        DomainRules.CheckMay(context.GetCall().Caller, domain);
        var made = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = "projects/" + request.ProjectId;
            await CheckThereAsync(unit.Db, domain);
            if (await unit.Db.Projects.AnyAsync(p => p.Name == name)) throw Fault.AlreadyExists(name);
            var row = new ProjectRow
            {
                Name = name,
                Project = request.ProjectId,
                DisplayName = request.Project is { DisplayName.Length: > 0 } project
                    ? project.DisplayName
                    : request.ProjectId,
                Labels = Labels.Store(request.Project?.Labels ?? []),
                Domain = domain,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            unit.Db.Projects.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return made;
    }

    public override Task<Project> GetProject(GetProjectRequest request, ServerCallContext context)
    {
        ResourceName.Parse("projects/*", request.Name);
        return store.ReadAsync(async db =>
            (await db.Projects.FirstOrDefaultAsync(p => p.Name == request.Name) ?? throw Fault.NotFound(request.Name))
            .ToProto());
    }

    public override async Task<ListProjectsResponse> ListProjects(ListProjectsRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var sight = ProjectSight.Of(context.GetCall().Caller);
        var (found, sequence) = await store.SnapshotAsync(db => list.Of(sight.Of(db.Projects)).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListProjectsResponse
        {
            Projects = { rows.Select(p => p.ToProto()) },
            NextPageToken = next,
            ResumeToken = Watch.Token(sequence),
        };
    }

    public override async Task<Project> UpdateProject(UpdateProjectRequest request, ServerCallContext context)
    {
        var changed = ProjectRules.Check(request);
        var caller = context.GetCall().Caller;
        var updated = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Projects.FirstOrDefaultAsync(p => p.Name == request.Project.Name)
                ?? throw Fault.NotFound(request.Project.Name);
            row.Touch(request.Project.Etag, unit.Now);
            if (changed.Contains("display_name")) row.DisplayName = request.Project.DisplayName;
            if (changed.Contains("labels")) row.Labels = Labels.Store(request.Project.Labels);
            if (changed.Contains("domain") && row.Domain != request.Project.Domain)
            {
                DomainRules.CheckMove(caller, row.Project, request.Project.Domain, await BoundAsync(unit.Db, request.Project.Domain));
                await CheckThereAsync(unit.Db, request.Project.Domain);
                row.Domain = request.Project.Domain;
            }
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return updated;
    }

    static async Task<List<Access.Role>> BoundAsync(IdentityDb db, string domain)
    {
        var roles = new List<Access.Role>();
        foreach (var name in domain.Length == 0 ? [] : await db.RoleBindings.Where(b => b.Scope == domain).Select(b => b.Role).Distinct().ToListAsync())
            if (await RoleRow.FindAsync(db, name) is { } role) roles.Add(role);
        return roles;
    }

    static async Task CheckThereAsync(IdentityDb db, string domain)
    {
        if (domain.Length > 0 && !await db.Domains.AnyAsync(d => d.Name == domain)) throw Fault.NotFound(domain);
    }

    /// <summary>
    /// <code>
    ///   close ──▶ every module's writer counts ──▶ nothing is left ──▶ project and bindings go ──▶ open
    /// </code>
    /// A module's writer makes nothing in a closed project, and counts what it made before: nothing is made in it between
    /// the question and the deletion, whoever asks for it.
    /// </summary>
    public override async Task<Empty> DeleteProject(DeleteProjectRequest request, ServerCallContext context)
    {
        ProjectRules.Check(request);
        if (request.Force) return await purging.BeginAsync(request, context.GetCall(), context.CancellationToken);
        // Who only tries closes nothing: a closed project is not there for anybody.
        using var closed = request.ValidateOnly ? null : registry.Close(ResourceName.LastId(request.Name));
        var answer = await store.MutateAsync(context.GetCall(), request, async _ =>
        {
            var found = await ContentsAsync(ResourceName.LastId(request.Name), context.CancellationToken);
            ProjectRules.CheckEmpty(request.Name, found);
            return found;
        }, async (unit, _) =>
        {
            var row = await unit.Db.Projects.FirstOrDefaultAsync(p => p.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            row.Touch(request.Etag, unit.Now);
            await RemoveAsync(unit, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    public override Task<Project> UndeleteProject(UndeleteProjectRequest request, ServerCallContext context)
    {
        ResourceName.Parse("projects/*", request.Name);
        return purging.UndoAsync(request, context.GetCall(), context.CancellationToken);
    }

    public override Task<PlanProjectDeletionResponse> PlanProjectDeletion(PlanProjectDeletionRequest request,
        ServerCallContext context)
    {
        ResourceName.Parse("projects/*", request.Name);
        return purging.PlanAsync(request.Name, context.CancellationToken);
    }

    public override Task WatchProjects(WatchProjectsRequest request, IServerStreamWriter<WatchProjectsResponse> stream,
        ServerCallContext context)
    {
        var watch = Watch.Of(store, request, context.GetCall(), "projects/*");
        var sight = ProjectSight.Of(context.GetCall().Caller);
        return watch.RunAsync("project",
            async db => (await watch.Of(sight.Of(db.Projects)).ToListAsync()).ConvertAll(p => p.ToProto()),
            (change, project, token) => stream.WriteAsync(new WatchProjectsResponse
            {
                Change = change,
                Project = project,
                ResumeToken = token,
            }, context.CancellationToken), context.CancellationToken,
            (_, project, change) => Task.FromResult<(ChangeType, Project)?>(sight.Sees(project.Name) ? (change, project) : null));
    }

    async Task<List<ProjectContent>> ContentsAsync(string project, CancellationToken cancel)
    {
        var found = new List<ProjectContent>();
        foreach (var module in contents) found.AddRange(await module.OfAsync(project, cancel));
        return found;
    }

    /// <summary>With who may do what in it, and what it may have.</summary>
    internal static async Task RemoveAsync(Unit<IdentityDb> unit, ProjectRow row)
    {
        // Made by another host since they were counted; nobody else makes one before this is committed.
        if (await unit.Db.ServiceAccounts.CountAsync(s => s.Project == row.Project) is > 0 and var count)
            ProjectRules.CheckEmpty(row.Name, [new("serviceAccounts", count, [])]);
        foreach (var binding in await unit.Db.RoleBindings.Where(b => b.Project == row.Project).ToListAsync())
        {
            unit.Db.RoleBindings.Remove(binding);
            RoleBindings.RoleBindingService.Emit(unit, Change.Deleted, binding);
        }
        foreach (var quota in await unit.Db.Quotas.Where(q => q.Project == row.Project).ToListAsync())
        {
            unit.Db.Quotas.Remove(quota);
            Quotas.QuotaService.Emit(unit, Change.Deleted, quota);
        }
        unit.Db.Projects.Remove(row);
        Emit(unit, Change.Deleted, row);
    }

    internal static Project Emit(Unit<IdentityDb> unit, Change change, ProjectRow row)
    {
        var project = row.ToProto();
        unit.Emit("project", change, row.Name, row.Project, project);
        return project;
    }
}
