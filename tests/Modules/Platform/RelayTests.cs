using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Monolith.Compute;
using Monolith.Compute.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Modules.Tests.Compute;
using Monolith.Platform.Events;
using FlavorService = Monolith.Compute.Flavors.FlavorService;

namespace Monolith.Modules.Tests.Platform;

/// <summary>A module's events on their way to the bus.</summary>
public sealed class RelayTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheFirstEventIsSentAtOnce_AndWhatComesWithinABreathTogether()
    {
        await using var store = await ComputeStore.OpenAsync("sqlite");
        var (flavors, bus, time) = (new FlavorService(store.Store), new Bus(), new FakeTimeProvider());
        await using var services = new ServiceCollection().AddSingleton<IEventBus>(bus).BuildServiceProvider();
        using var relay = new Relay<ComputeDb>(store.Store, services, time, NullLogger<Relay<ComputeDb>>.Instance);
        await relay.StartAsync(Cancel);
        try
        {
            await CreateAsync("f1");
            Assert.Equal(["flavors/f1"], Resources(await bus.Sent.ReadAsync(Cancel)));

            foreach (var id in new[] { "f2", "f3", "f4" }) await CreateAsync(id);
            EventsCommitted? next;
            while (!bus.Sent.TryRead(out next))
            {
                time.Advance(Relay<ComputeDb>.Breath);
                await Task.Yield();
            }
            Assert.Equal(["flavors/f2", "flavors/f3", "flavors/f4"], Resources(next));
        }
        finally
        {
            await relay.StopAsync(default);
        }

        Task<Flavor> CreateAsync(string id) => flavors.CreateFlavor(new()
        {
            FlavorId = id,
            Flavor = new Flavor { Vcpus = 1, MemoryMib = 128, DiskGib = 1 },
        }, new FakeCall());

        static IEnumerable<string> Resources(EventsCommitted message) => message.Events.Select(e => e.Resource);
    }

    sealed class Bus : IEventBus
    {
        readonly Channel<EventsCommitted> sent = Channel.CreateUnbounded<EventsCommitted>();

        public ChannelReader<EventsCommitted> Sent => sent.Reader;

        public Task PublishAsync<T>(T message, CancellationToken cancel) where T : class
        {
            Assert.True(sent.Writer.TryWrite(Assert.IsType<EventsCommitted>(message)));
            return Task.CompletedTask;
        }
    }
}
