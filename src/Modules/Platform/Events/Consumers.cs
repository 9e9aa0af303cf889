using MassTransit;

namespace Monolith.Platform.Events;

/// <summary>Wakes this process's listeners.</summary>
public sealed class WakeConsumer(IEnumerable<IEventListener> listeners, IEnumerable<IRelay> relays)
    : IConsumer<EventsCommitted>
{
    public Task Consume(ConsumeContext<EventsCommitted> context)
    {
        var message = context.Message;
        if (message.Events.Count == 0) return Task.CompletedTask;
        foreach (var relay in relays)
            if (relay.Module == message.Module) relay.Nudge(message.Events[^1].Sequence);
        foreach (var listener in listeners)
            foreach (var e in message.Events) listener.OnEvent(e);
        return Task.CompletedTask;
    }
}

/// <summary>Tells the relays how far the log is.</summary>
public sealed class LoggedConsumer(IEnumerable<IRelay> relays) : IConsumer<EventsLogged>
{
    public Task Consume(ConsumeContext<EventsLogged> context)
    {
        foreach (var relay in relays)
            if (relay.Module == context.Message.Module) relay.OnLogged(context.Message.Through);
        return Task.CompletedTask;
    }
}
