using MassTransit;

namespace Monolith.Platform.Events;

/// <summary>The bus as modules see it: what is sent on it comes late, more than once, or not at all.</summary>
public interface IEventBus
{
    /// <summary>Ends when the bus has taken the message, which promises nothing.</summary>
    Task PublishAsync<T>(T message, CancellationToken cancel) where T : class;
}

/// <summary>MassTransit's.</summary>
public sealed class EventBus(IBus bus) : IEventBus
{
    public Task PublishAsync<T>(T message, CancellationToken cancel) where T : class => bus.Publish(message, cancel);
}
