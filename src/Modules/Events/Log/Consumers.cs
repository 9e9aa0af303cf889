using MassTransit;
using Monolith.Platform.Events;

namespace Monolith.Events.Log;

/// <summary>
/// Takes events from the bus into the log, one message at a time, on one queue of all replicas. A failure needs no
/// retry here: without the word that the log has them, the relay sends them again.
/// </summary>
internal sealed class LogConsumer(EventLog log) : IConsumer<EventsCommitted>
{
    public async Task Consume(ConsumeContext<EventsCommitted> context)
    {
        var message = context.Message;
        if (await log.AppendAsync(message, context.CancellationToken) is { } through)
            await context.Publish(new EventsLogged(message.Module, through), context.CancellationToken);
    }
}

internal sealed class LogConsumerDefinition : ConsumerDefinition<LogConsumer>
{
    public LogConsumerDefinition()
    {
        EndpointName = "event-log";
        ConcurrentMessageLimit = 1;
    }

    protected override void ConfigureConsumer(IReceiveEndpointConfigurator endpoint,
        IConsumerConfigurator<LogConsumer> consumer, IRegistrationContext context)
    {
        endpoint.PrefetchCount = 4;
        // A parked copy would help nobody: the relay keeps the original until the log has it.
        endpoint.DiscardFaultedMessages();
    }
}

/// <summary>Wakes this process's watches when another process wrote.</summary>
internal sealed class GrownConsumer(EventLog log) : IConsumer<EventsLogged>
{
    public Task Consume(ConsumeContext<EventsLogged> context) => log.GlanceAsync();
}
