using System.Reflection;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Monolith.Compute;
using Monolith.Dns;
using Monolith.Events;
using Monolith.Identity;
using Monolith.Identity.Contracts;
using Monolith.Image;
using Monolith.Image.Blobs;
using Monolith.Lb;
using Monolith.Modules.Tests.Calls;
using Monolith.Network;
using Monolith.Platform.Calls;
using Monolith.Platform.Events;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using Monolith.Simulation.Tests.Wire;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Hosts;

/// <summary>
/// One process of a host: the modules by their own registration, without transports. Never disposed of: who is killed
/// is not asked.
/// </summary>
internal sealed class CloudHost
{
    static readonly Dictionary<string, string> Permissions = DeclaredMethods.All
        .ToDictionary(m => m.Path, m => m.Permission);

    static readonly MethodInfo Execute =
        typeof(BackgroundService).GetMethod("ExecuteAsync", BindingFlags.Instance | BindingFlags.NonPublic)!;

    static readonly Assembly[] Modules =
    [
        typeof(IdentityModule).Assembly, typeof(ImageModule).Assembly, typeof(NetworkModule).Assembly,
        typeof(DnsModule).Assembly, typeof(ComputeModule).Assembly, typeof(LbModule).Assembly,
        typeof(EventsModule).Assembly,
    ];

    readonly Methods methods;

    public CloudHost(Process process, DatabaseOptions databases, BusShape bus, Random dice, Trace trace)
    {
        Process = process;
        var services = new ServiceCollection();
        services.AddLogging(l => l.SetMinimumLevel(LogLevel.Warning).AddProvider(new TraceLogs(process.Name, trace)));
        services.AddSingleton(process.Time);
        services.AddSingleton(databases);
        services.AddIdentity(new IdentityOptions(databases.Directory));
        services.AddImage(new ImageOptions(Path.Combine(databases.Directory, "images")));
        // Long enough to matter, short enough to be met again in a simulation.
        services.AddNetwork(new NetworkOptions { Quarantine = TimeSpan.FromSeconds(2) });
        services.AddDns(new DnsOptions { Endpoints = [] });
        services.AddCompute();
        services.AddLb();
        services.AddEvents();
        services.AddSingleton<Arrivals>();
        services.AddSingleton<IEventBus>(s => new SimulatedBus(s, process, bus, dice, trace));
        services.AddSingleton<FaultInterceptor>();
        Services = services.BuildServiceProvider();
        methods = new Methods(Services.GetRequiredService<FaultInterceptor>());
    }

    public Process Process { get; }

    public ServiceProvider Services { get; }

    public bool IsServing { get; private set; }

    /// <summary>As the real one: stores, then what needs them, then services; calls are taken after that.</summary>
    public async Task StartAsync()
    {
        var steps = Services.GetServices<IStartUp>().ToList();
        await Task.WhenAll(steps.OfType<IStoreOpening>().Select(s => s.StartAsync(CancellationToken.None)));
        foreach (var step in steps.Where(s => s is not IStoreOpening)) await step.StartAsync(CancellationToken.None);
        foreach (var service in Services.GetServices<IHostedService>()) Process.Start(() => RunAsync(service));
        methods.AddAll(Services, Modules);
        IsServing = true;
    }

    public Task ServeAsync(string method, object up, object down, Caller caller, Metadata headers,
        CancellationToken aborted) =>
        methods.Of(method)(up, down, FakeCall.By(caller, Permissions[method], method, headers, aborted));

    // StartAsync of a background service would run it on the pool.
    static Task RunAsync(IHostedService service) => service is BackgroundService background
        ? (Task)Execute.Invoke(background, [CancellationToken.None])!
        : service.StartAsync(CancellationToken.None);
}
