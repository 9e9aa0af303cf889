using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Monolith.Compute;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Servers;
using Monolith.Compute.V1;
using Monolith.Dns;
using Monolith.Identity;
using Monolith.Identity.Projects;
using Monolith.Identity.Quotas;
using Monolith.Identity.V1;
using Monolith.Image;
using Monolith.Image.Blobs;
using Monolith.Image.Images;
using Monolith.Lb;
using Monolith.Modules.Tests.Calls;
using Monolith.Network;
using Monolith.Network.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Reconciling;
using Monolith.Platform.Storage;
using FlavorService = Monolith.Compute.Flavors.FlavorService;
using NetworkService = Monolith.Network.Networks.NetworkService;
using AddressPoolService = Monolith.Network.AddressPools.AddressPoolService;
using ProjectService = Monolith.Identity.Projects.ProjectService;
using QuotaService = Monolith.Identity.Quotas.QuotaService;
using ServerService = Monolith.Compute.Servers.ServerService;

namespace Monolith.Modules.Tests.Quotas;

/// <summary>All modules, and a project <c>demo</c> with all that a server needs but a hypervisor. Nothing runs by
/// itself.</summary>
internal sealed class QuotaHost : IAsyncDisposable
{
    public const string Project = "projects/demo";

    readonly ModuleHost host;

    QuotaHost(ModuleHost host)
    {
        this.host = host;
        (Quotas, Servers) = (host.Make<QuotaService>(), host.Make<ServerService>());
    }

    public QuotaService Quotas { get; }

    public ServerService Servers { get; }

    public static FakeCall Admin => new();

    public static async Task<QuotaHost> StartAsync(string provider) =>
        await PrepareAsync(new(await ModuleHost.StartAsync(provider, Compose)));

    /// <summary>On a database that is there, and stays; with what the first one on it prepared.</summary>
    public static async Task<QuotaHost> StartAsync(DatabaseOptions database) =>
        new(await ModuleHost.StartAsync(database, Compose));

    static void Compose(IServiceCollection services, string directory)
    {
        services.AddIdentity(new IdentityOptions(directory));
        services.AddImage(new ImageOptions(Path.Combine(directory, "images")));
        services.AddNetwork(new NetworkOptions { Domain = "cloud.test", Quarantine = TimeSpan.Zero });
        services.AddDns(new DnsOptions { Endpoints = [] });
        services.AddCompute();
        services.AddLb();
        // What follows from a call is done when a test says so.
        services.RemoveAll<IHostedService>();
    }

    public static async Task<QuotaHost> PrepareAsync(QuotaHost host)
    {
        await host.ProjectAsync("demo");
        await host.Make<FlavorService>().CreateFlavor(new CreateFlavorRequest
        {
            FlavorId = "small",
            Flavor = new() { Vcpus = 2, MemoryMib = 512, DiskGib = 10 },
        }, Admin);
        await host.Make<AddressPoolService>().CreateAddressPool(new CreateAddressPoolRequest
        {
            AddressPoolId = "both",
            AddressPool = new() { Prefixes = { "10.64.0.0/16", "2001:db8::/64" } },
        }, Admin);
        await host.Make<NetworkService>().CreateNetwork(new CreateNetworkRequest
        {
            Parent = Project,
            NetworkId = "default",
            Network = new() { AddressPools = { "addressPools/both" } },
        }, Admin);
        await host.Get<Store<ImageDb>>().WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Images.Add(new ImageRow
            {
                Name = Project + "/images/blank",
                Project = "demo",
                Sha256 = new string('0', 64),
                SizeBytes = 4096,
            });
            return Task.CompletedTask;
        }, default);
        return host;
    }

    public T Get<T>() where T : notnull => host.Get<T>();

    public T Make<T>() => host.Make<T>();

    public Task ProjectAsync(string id) =>
        Make<ProjectService>().CreateProject(new CreateProjectRequest { ProjectId = id }, Admin);

    public Task<Quota> SetAsync(params (string Quota, long Limit)[] limits) => SetAsync(Project + "/quota", limits);

    public Task<Quota> SetAsync(string name, params (string Quota, long Limit)[] limits)
    {
        var request = new UpdateQuotaRequest { Quota = new() { Name = name }, UpdateMask = new() };
        foreach (var (quota, limit) in limits)
        {
            request.Quota.Limits[quota] = limit;
            request.UpdateMask.Paths.Add("limits." + quota);
        }
        return Quotas.UpdateQuota(request, Admin);
    }

    public async Task<QuotaUsage> UsageAsync(string quota, string project = "demo") =>
        (await Quotas.GetQuota(new GetQuotaRequest { Name = $"projects/{project}/quota" }, Admin))
        .Usages.Single(u => u.Quota == quota);

    public static CreateServerRequest Server(string id, bool validateOnly = false) => new()
    {
        Parent = Project,
        ServerId = id,
        ValidateOnly = validateOnly,
        Server = new() { Flavor = "flavors/small", Image = Project + "/images/blank" },
    };

    public Task<Server> CreateServerAsync(string id) => Servers.CreateServer(Server(id), Admin);

    /// <summary>Takes the server as far as it comes without a hypervisor.</summary>
    public async Task ReconcileAsync(string id)
    {
        // Nothing left to do, or nothing at once: what is awaited does not come by itself here.
        while (await Get<ServerReconciler>().ReconcileAsync($"{Project}/servers/{id}", default) == Outcome.Again()) { }
    }

    public async Task<List<(string Resource, long Amount, string Part)>> ExplainAsync(string quota, int page = 0)
    {
        var (found, token) = (new List<(string, long, string)>(), "");
        do
        {
            var answer = await Quotas.ExplainUsage(new ExplainUsageRequest
            {
                Name = Project + "/quota",
                Quota = quota,
                PageSize = page,
                PageToken = token,
            }, Admin);
            found.AddRange(answer.Resources.Select(r => (r.Resource, r.Amount, r.Part)));
            token = answer.NextPageToken;
        }
        while (token.Length > 0);
        return found;
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();
}
