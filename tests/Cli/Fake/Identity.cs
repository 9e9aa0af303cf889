using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Identity.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>Projects; takes what is asked of one, and shows what a test says of it.</summary>
internal sealed class Identity : ProjectService.ProjectServiceBase
{
    public List<string> Projects { get; } = ["demo"];

    public ConcurrentQueue<IMessage> Requests { get; } = new();

    /// <summary>What a plan finds.</summary>
    public List<ProjectRemainder> Owned { get; } = [];

    /// <summary>What a watch sends, one after the other; null: it is gone.</summary>
    public List<Project?> Seen { get; } = [];

    public override Task<ListProjectsResponse> ListProjects(ListProjectsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListProjectsResponse
        {
            Projects = { Projects.Select(id => new Project { Name = $"projects/{id}" }) },
        });

    public override Task<Project> GetProject(GetProjectRequest request, ServerCallContext context) =>
        Task.FromResult(new Project { Name = request.Name, State = Project.Types.State.Deleting });

    public override Task<Empty> DeleteProject(DeleteProjectRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Empty());
    }

    public override Task<Project> UndeleteProject(UndeleteProjectRequest request, ServerCallContext context)
    {
        Requests.Enqueue(request);
        return Task.FromResult(new Project { Name = request.Name, State = Project.Types.State.Active });
    }

    public override Task<PlanProjectDeletionResponse> PlanProjectDeletion(PlanProjectDeletionRequest request,
        ServerCallContext context) => Task.FromResult(new PlanProjectDeletionResponse
        {
            Remainders = { Owned },
            DefaultWait = Duration.FromTimeSpan(TimeSpan.FromHours(72)),
        });

    public override async Task WatchProjects(WatchProjectsRequest request, IServerStreamWriter<WatchProjectsResponse> stream,
        ServerCallContext context)
    {
        foreach (var project in Seen)
            await stream.WriteAsync(new WatchProjectsResponse
            {
                Change = project is null ? ChangeType.Removed : ChangeType.Modified,
                Project = project ?? new Project { Name = request.Name },
            });
        await Silence.Async(context);
    }
}
