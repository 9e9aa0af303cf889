using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Compute;
using Monolith.Compute.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Modules.Tests.Compute;
using Monolith.Platform.Events;
using FlavorService = Monolith.Compute.Flavors.FlavorService;

namespace Monolith.Modules.Tests.Platform;

/// <summary>What a change leads to on the other side of the bus is in the trace of who made it.</summary>
public sealed class EventTraceTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhoHearsOfAnEvent_IsInTheTraceOfTheWriteThatMadeIt(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        using var spans = new Spans("test.events." + provider);
        var bus = new Bus();
        await using var services = new ServiceCollection().AddSingleton<IEventBus>(bus).BuildServiceProvider();
        using var relay = new Relay<ComputeDb>(store.Store, services, TimeProvider.System,
            NullLogger<Relay<ComputeDb>>.Instance);
        await relay.StartAsync(TestContext.Current.CancellationToken);
        try
        {
            var traces = new Dictionary<string, ActivityTraceId>();
            foreach (var id in new[] { "f1", "f2" })
            {
                using var request = spans.Request(id);
                traces["flavors/" + id] = request.TraceId;
                await CreateAsync(service, id);
            }
            var heard = new Ear();
            var arrivals = new Arrivals([heard], [relay]);
            while (heard.Of.Count < 2) arrivals.Take(await bus.NextAsync());
            foreach (var (resource, trace) in traces)
            {
                var span = heard.Of[resource]!;
                var write = Assert.Single(spans.Ended, s => s.TraceId == trace && s.OperationName == "store.write compute");
                Assert.Equal((trace, write.SpanId, ActivityKind.Consumer, "process monolith.compute.flavor.created"),
                    (span.TraceId, span.ParentSpanId, span.Kind, span.OperationName));
            }
            Assert.Null(Activity.Current);
        }
        finally
        {
            await relay.StopAsync(default);
        }
    }

    /// <summary>As of events from before there were traces, and of traces that nobody records.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("rubbish")]
    public void AnEventWithoutATrace_IsHeardInNone(string parent)
    {
        using var spans = new Spans("test.events.none");
        var heard = new Ear();
        new Arrivals([heard], []).Take(new EventsCommitted("compute", 0,
        [
            new(1, Guid.NewGuid(), "monolith.compute.flavor.created", "flavors/f1", "", DateTime.UtcNow, "users/admin", "", "",
                "", []) { TraceParent = parent },
        ]));
        Assert.Null(Assert.Single(heard.Of).Value);
    }

    static Task<Flavor> CreateAsync(FlavorService service, string id) => service.CreateFlavor(new()
    {
        FlavorId = id,
        Flavor = new Flavor { Vcpus = 1, MemoryMib = 128, DiskGib = 1 },
    }, new FakeCall());

    /// <summary>What was current when it heard of a resource.</summary>
    sealed class Ear : IEventListener
    {
        public Dictionary<string, Activity?> Of { get; } = [];

        public void OnEvent(EventEnvelope e) => Of[e.Resource] = Activity.Current;
    }

    /// <summary>Messages as a broker carries them: in JSON.</summary>
    sealed class Bus : IEventBus
    {
        readonly Channel<string> sent = Channel.CreateUnbounded<string>();

        public async Task PublishAsync<T>(T message, CancellationToken cancel) where T : class =>
            await sent.Writer.WriteAsync(JsonSerializer.Serialize(message), cancel);

        public async Task<EventsCommitted> NextAsync() => JsonSerializer.Deserialize<EventsCommitted>(
            await sent.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)))!;
    }
}
