using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Monolith.Events.Audit;
using Monolith.Events.Contracts;
using Monolith.Events.Log;
using Monolith.Platform.Storage;

namespace Monolith.Events;

/// <summary>Immutable.</summary>
public sealed record EventsOptions
{
    /// <summary>How long the log keeps events. Default 30 days.</summary>
    public TimeSpan Kept { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How long the audit log keeps entries. Default 400 days.</summary>
    public TimeSpan AuditKept { get; init; } = TimeSpan.FromDays(400);
}

/// <summary>The event log: what happened in every module, in one order; and the audit log: who did it.</summary>
public static class EventsModule
{
    public static IServiceCollection AddEvents(this IServiceCollection services, EventsOptions? options = null)
    {
        services.AddModuleStore<EventsDb>("events", o => new SqliteEventsDb(o), o => new PostgresEventsDb(o));
        services.AddSingleton(options ?? new EventsOptions());
        services.AddSingleton<EventLog>();
        services.AddSingleton<IStartUp>(s => s.GetRequiredService<EventLog>());
        services.AddSingleton<AuditWriter>();
        services.AddSingleton<IAuditLog>(s => s.GetRequiredService<AuditWriter>());
        services.AddHostedService(s => s.GetRequiredService<AuditWriter>());
        services.AddHostedService<Retention>();
        return services;
    }

    public static void MapEvents(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<EventService>();
        endpoints.MapGrpcService<AuditService>();
    }

    /// <summary>The log's ends of the bus.</summary>
    public static void AddConsumers(IBusRegistrationConfigurator bus)
    {
        bus.AddConsumer<LogConsumer, LogConsumerDefinition>();
        bus.AddConsumer<GrownConsumer>().Endpoint(e =>
            (e.InstanceId, e.Temporary) = (Guid.NewGuid().ToString("N"), true));
    }
}
