using System.Diagnostics;
using MassTransit;

namespace Monolith.Platform.Events;

/// <summary>What a message means in this process, whatever bus brought it.</summary>
public sealed class Arrivals(IEnumerable<IEventListener> listeners, IEnumerable<IRelay> relays)
{
    static readonly ActivitySource Activities = new("Monolith.Platform");

    /// <summary>Wakes this process's listeners. What an event wakes is in the trace of what made it.</summary>
    public void Take(EventsCommitted message)
    {
        if (message.Events.Count == 0) return;
        foreach (var relay in relays)
            if (relay.Module == message.Module) relay.Nudge(message.Events[^1].Sequence);
        foreach (var e in message.Events)
        {
            using var span = Span(e);
            foreach (var listener in listeners) listener.OnEvent(e);
        }
    }

    /// <summary>A message carries the events of many traces: it is the link, and no event's parent.</summary>
    static Activity? Span(EventEnvelope e)
    {
        if (!Activities.HasListeners() || !ActivityContext.TryParse(e.TraceParent, null, isRemote: true, out var parent))
            return null;
        var span = Activities.StartActivity("process " + e.Type, ActivityKind.Consumer, parent,
            links: Activity.Current is { } message ? [new ActivityLink(message.Context)] : null);
        span?.SetTag("messaging.message.id", e.Uid);
        return span;
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
