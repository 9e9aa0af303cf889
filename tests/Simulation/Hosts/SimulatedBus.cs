using Microsoft.Extensions.DependencyInjection;
using Monolith.Events.Log;
using Monolith.Platform.Events;
using Monolith.Simulation.Tests.World;

namespace Monolith.Simulation.Tests.Hosts;

/// <summary>How a bus fails its users. Immutable.</summary>
internal sealed record BusShape
{
    /// <summary>Parts of the deliveries, 0 to 1.</summary>
    public double Lost { get; init; } = 0.03;
    public double Twice { get; init; } = 0.03;
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(20);
}

/// <summary>
/// A bus in the host's process: it loses, repeats and reorders, and dies with the process. Its consumers are the
/// product's; one message at a time for the log, as its endpoint says.
/// </summary>
internal sealed class SimulatedBus(IServiceProvider services, Process process, BusShape shape, Random dice, Trace trace)
    : IEventBus
{
    readonly SemaphoreSlim logging = new(1);

    public Task PublishAsync<T>(T message, CancellationToken cancel) where T : class
    {
        switch (message)
        {
            case EventsCommitted committed:
                var events = $"{committed.Module} {committed.After}-{committed.Events[^1].Sequence}";
                trace.Say($"{process.Name} sends {events}: "
                    + string.Join(", ", committed.Events.Select(e => $"{e.Type["monolith.".Length..]} {e.Resource}")));
                Deliver("wake of " + events, () =>
                {
                    Arrivals.Take(committed);
                    return Task.CompletedTask;
                });
                Deliver("log of " + events, () => LogAsync(committed));
                break;
            case EventsLogged logged:
                Deliver($"word of {logged.Module} {logged.Through}", () =>
                {
                    Arrivals.Take(logged);
                    return Task.CompletedTask;
                });
                Deliver("grown", () => Log.GlanceAsync());
                break;
            default:
                throw new NotSupportedException($"Nobody consumes {typeof(T)}.");
        }
        return Task.CompletedTask;
    }

    Arrivals Arrivals => services.GetRequiredService<Arrivals>();

    EventLog Log => services.GetRequiredService<EventLog>();

    void Deliver(string what, Func<Task> consume)
    {
        var die = dice.NextDouble();
        if (die < shape.Lost) trace.Say($"the bus lost {what}");
        else DeliverOnce(what, consume);
        if (die > 1 - shape.Twice) DeliverOnce(what, consume);
    }

    void DeliverOnce(string what, Func<Task> consume)
    {
        var delay = shape.Delay * dice.NextDouble();
        _ = process.Time.CreateTimer(_ => process.Start(async () =>
        {
            try
            {
                await consume();
            }
            catch (Exception e)
            {
                // As the real bus: the message is lost, and the relay sends it again.
                trace.Whisper($"the bus could not deliver {what}: {e.Message}");
            }
        }), null, delay, Timeout.InfiniteTimeSpan);
    }

    async Task LogAsync(EventsCommitted batch)
    {
        await logging.WaitAsync();
        try
        {
            if (await Log.AppendAsync(batch, CancellationToken.None) is { } through)
                await PublishAsync(new EventsLogged(batch.Module, through), CancellationToken.None);
        }
        finally
        {
            logging.Release();
        }
    }
}
