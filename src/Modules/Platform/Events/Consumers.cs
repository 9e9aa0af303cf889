using MassTransit;

namespace Monolith.Platform.Events;

/// <summary>What a message means in this process, whatever bus brought it.</summary>
public sealed class Arrivals(IEnumerable<IEventListener> listeners, IEnumerable<IRelay> relays)
{
    /// <summary>Wakes this process's listeners.</summary>
    public void Take(EventsCommitted message)
    {
        if (message.Events.Count == 0) return;
        foreach (var relay in relays)
            if (relay.Module == message.Module) relay.Nudge(message.Events[^1].Sequence);
        foreach (var listener in listeners)
            foreach (var e in message.Events) listener.OnEvent(e);
    }

    /// <summary>Tells the relays how far the log is.</summary>
    public void Take(EventsLogged message)
    {
        foreach (var relay in relays)
            if (relay.Module == message.Module) relay.OnLogged(message.Through);
    }
}

public sealed class WakeConsumer(Arrivals arrivals) : IConsumer<EventsCommitted>
{
    public Task Consume(ConsumeContext<EventsCommitted> context)
    {
        arrivals.Take(context.Message);
        return Task.CompletedTask;
    }
}

public sealed class LoggedConsumer(Arrivals arrivals) : IConsumer<EventsLogged>
{
    public Task Consume(ConsumeContext<EventsLogged> context)
    {
        arrivals.Take(context.Message);
        return Task.CompletedTask;
    }
}
