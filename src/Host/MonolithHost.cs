using MassTransit;
using Microsoft.AspNetCore.Connections.Features;
using Monolith.Compute;
using Monolith.Dns;
using Monolith.Events;
using Monolith.Host.Access;
using Monolith.Identity;
using Monolith.Identity.Contracts;
using Monolith.Image;
using Monolith.Image.Blobs;
using Monolith.Lb;
using Monolith.Network;
using Monolith.Platform.Events;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Host;

/// <summary>The whole control plane, composed by hand: read it from top to bottom.</summary>
public static class MonolithHost
{
    /// <summary>Builds a host, brings its databases up to date, and serves. Dispose to stop.</summary>
    /// <exception cref="InvalidOperationException">With words for the operator, when it cannot start.</exception>
    public static async Task<WebApplication> StartAsync(HostOptions options, CancellationToken cancel)
    {
        var clock = new StartClock();
        Directory.CreateDirectory(options.Data);
        var ready = Path.Combine(options.Data, "ready");
        File.Delete(ready);
        var app = Build(options);
        clock.Lap("composed");
        var steps = app.Services.GetServices<IStartUp>().ToList();
        clock.Lap("made");
        var opening = Task.Run(() => OpenAsync(steps, clock, cancel), cancel);
        Map(app, options);
        clock.Lap("mapped");
        await opening;
        clock.Lap("opened");
        await app.StartAsync(cancel);
        clock.Lap("listening");
        await File.WriteAllTextAsync(ready, Environment.ProcessId.ToString(), cancel);
        app.Lifetime.ApplicationStopping.Register(() => File.Delete(ready));
        clock.Tell(app.Services.GetRequiredService<ILogger<StartClock>>());
        return app;
    }

    static async Task OpenAsync(List<IStartUp> steps, StartClock clock, CancellationToken cancel)
    {
        await Task.WhenAll(steps.OfType<IStoreOpening>().Select(s => Task.Run(async () =>
        {
            await s.StartAsync(cancel);
            clock.Part(s.Module);
        }, cancel)));
        clock.Lap("stores");
        foreach (var step in steps.Where(s => s is not IStoreOpening)) await step.StartAsync(cancel);
    }

    static WebApplication Build(HostOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "Monolith.Host" });
        builder.Logging.AddSimpleConsole(o =>
        {
            o.SingleLine = true;
            o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            o.UseUtcTimestamp = true;
        });
        builder.Logging.SetMinimumLevel(options.LogLevel);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Grpc", LogLevel.Warning);
        builder.Logging.AddFilter("MassTransit", LogLevel.Warning);

        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(new DatabaseOptions(options.Data, options.Postgres));
        // Streams may hold the server up until its time is over; the bus stops meanwhile, while it has time.
        services.Configure<Microsoft.Extensions.Hosting.HostOptions>(o => o.ServicesStopConcurrently = true);
        services.AddRouting();
        builder.AddTelemetry(options);
        builder.WebHost.AddTransports(options);

        services.AddIdentity(new IdentityOptions(options.Data)
        {
            KeyEncryptionKey = options.Kek,
            KeyEncryptionKeyBefore = options.KekBefore,
            Issuer = options.Issuer,
            PurgeWait = TimeSpan.FromHours(options.ProjectPurgeWaitHours),
        });
        services.AddImage(new ImageOptions(Path.Combine(options.Data, "images"))
        {
            MaxDiskBytes = (long)options.ImageMaxDiskGib << 30,
            Import = new() { Allow = options.ImportAllow },
        });
        services.AddNetwork(new NetworkOptions
        {
            DnsServers = options.GuestDns,
            Domain = options.Domain,
            AddressHistory = TimeSpan.FromDays(options.AddressHistoryDays),
        });
        services.AddDns(new DnsOptions
        {
            Domain = options.Domain,
            Endpoints = options.Dns,
        });
        services.AddCompute(options.FenceCommand ?? "");
        services.AddPlugins(options.Plugins);
        services.AddLb();
        services.AddEvents(new EventsOptions { AuditKept = TimeSpan.FromDays(options.AuditDays) });
        services.AddBus(options);
        services.AddFleet(options);

        services.AddSingleton(options.Limits);
        services.AddSingleton<Pace>();
        services.AddSingleton<PermissionMap>();
        services.AddGrpc(grpc =>
        {
            grpc.Interceptors.Add<FaultInterceptor>();
            grpc.Interceptors.Add<AccessInterceptor>();
            grpc.MaxReceiveMessageSize = 4 << 20;
            grpc.EnableDetailedErrors = false;
        });
        services.AddGrpcReflection();
        services.AddModuleHealth();

        return builder.Build();
    }

    static void Map(WebApplication app, HostOptions options)
    {
        app.UseMiddleware<MalformedMessageMiddleware>();
        app.MapIdentity();
        app.MapImage();
        app.MapNetwork();
        app.MapDns();
        app.MapCompute();
        app.MapLb();
        app.MapEvents();
        app.MapGrpcReflectionService();
        app.MapGrpcHealthChecksService();
        app.MapTelemetry(options);
        // For a machine that joins: it believes the certificate for the digest in its token alone.
        app.MapGet("/ca.crt", (IHostCertificates authorities, HttpContext context) =>
            Results.Bytes(authorities.AuthorityFor(context.Features.Get<ITlsHandshakeFeature>()?.HostName).RawData));
    }

    static void AddBus(this IServiceCollection services, HostOptions options)
    {
        services.AddSingleton<Arrivals>();
        services.AddSingleton<IEventBus, EventBus>();
        services.AddMassTransit(bus =>
        {
            // Every process wakes its own; the log is written by one of them.
            var instance = Guid.NewGuid().ToString("N");
            bus.AddConsumer<WakeConsumer>().Endpoint(e => (e.InstanceId, e.Temporary) = (instance, true));
            bus.AddConsumer<LoggedConsumer>().Endpoint(e => (e.InstanceId, e.Temporary) = (instance, true));
            EventsModule.AddConsumers(bus);
            if (options.RabbitMq is { } uri)
                bus.UsingRabbitMq((context, rabbit) =>
                {
                    rabbit.Host(new Uri(uri));
                    rabbit.ConfigureEndpoints(context);
                });
            else bus.UsingInMemory((context, memory) => memory.ConfigureEndpoints(context));
        });
    }
}
