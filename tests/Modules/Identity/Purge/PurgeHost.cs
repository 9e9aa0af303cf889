using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Monolith.Api.V1;
using Monolith.Compute;
using Monolith.Dns;
using Monolith.Identity;
using Monolith.Identity.V1;
using Monolith.Image;
using Monolith.Image.Blobs;
using Monolith.Lb;
using Monolith.Modules.Tests.Calls;
using Monolith.Network;
using Monolith.Platform.Storage;
using ProjectService = Monolith.Identity.Projects.ProjectService;

namespace Monolith.Modules.Tests.Identity.Purge;

/// <summary>All modules, without hypervisors: what is deleted goes by itself.</summary>
internal sealed class PurgeHost : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly ModuleHost host;

    PurgeHost(ModuleHost host) => (this.host, Projects) = (host, host.Make<ProjectService>());

    public ProjectService Projects { get; }

    public static FakeCall Admin => new();

    /// <param name="runs">False: what follows from a call is done when a test says so.</param>
    public static async Task<PurgeHost> StartAsync(string provider, bool runs = true) =>
        new(await ModuleHost.StartAsync(provider, (services, directory) => Compose(services, directory, runs)));

    /// <summary>One of several on a database that is there, and stays.</summary>
    public static async Task<PurgeHost> StartAsync(DatabaseOptions database) =>
        new(await ModuleHost.StartAsync(database, (services, directory) => Compose(services, directory, true)));

    static void Compose(IServiceCollection services, string directory, bool runs)
    {
        services.AddIdentity(new IdentityOptions(directory));
        services.AddImage(new ImageOptions(Path.Combine(directory, "images")));
        services.AddNetwork(new NetworkOptions { Domain = "cloud.test", Quarantine = TimeSpan.Zero });
        services.AddDns(new DnsOptions { Endpoints = [] });
        services.AddCompute();
        services.AddLb();
        if (!runs) services.RemoveAll<IHostedService>();
    }

    public T Get<T>() where T : notnull => host.Get<T>();

    public T Make<T>() => host.Make<T>();

    public Task<Project> CreateAsync(string id) =>
        Projects.CreateProject(new CreateProjectRequest { ProjectId = id }, Admin);

    public Task<Project> GetAsync(string id) =>
        Projects.GetProject(new GetProjectRequest { Name = "projects/" + id }, Admin);

    /// <param name="wait">Null: the host's.</param>
    public Task DeleteAsync(string id, TimeSpan? wait = null, bool validateOnly = false) =>
        Projects.DeleteProject(new DeleteProjectRequest
        {
            Name = "projects/" + id,
            Force = true,
            Wait = wait is { } time ? Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(time) : null,
            ValidateOnly = validateOnly,
        }, Admin);

    public Task<Project> UndeleteAsync(string id) =>
        Projects.UndeleteProject(new UndeleteProjectRequest { Name = "projects/" + id }, Admin);

    /// <summary>Follows it by its watch.</summary>
    /// <returns>As it became; null when it is gone.</returns>
    public async Task<Project?> UntilAsync(string id, Func<Project?, bool> becomes)
    {
        using var late = new CancellationTokenSource(Patience);
        var stream = new TestStream<WatchProjectsResponse>();
        _ = Projects.WatchProjects(new WatchProjectsRequest { Name = "projects/" + id }, stream, new FakeCall(cancel: late.Token));
        var last = (Project?)null;
        while (true)
        {
            var message = await stream.NextAsync();
            if (message.Change != ChangeType.InSync) last = message.Change == ChangeType.Removed ? null : message.Project;
            if (message.Change == ChangeType.Added || !becomes(last)) continue;
            await late.CancelAsync();
            return last;
        }
    }

    public async Task GoneAsync(string id) => Assert.Null(await UntilAsync(id, p => p is null));

    /// <summary>Every table of every module.</summary>
    public async Task<Dictionary<string, long>> TracesAsync(string project)
    {
        var found = new Dictionary<string, long>(StringComparer.Ordinal);
        await AddAsync<IdentityDb>();
        await AddAsync<ComputeDb>();
        await AddAsync<ImageDb>();
        await AddAsync<NetworkDb>();
        await AddAsync<DnsDb>();
        await AddAsync<LbDb>();
        return found;

        async Task AddAsync<TDb>() where TDb : ModuleDb =>
            (await Get<Store<TDb>>().ReadAsync(db => ProjectTraces.OfAsync(db, project))).ForEach(t => found.Add(t.Where, t.Count));
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();
}
