using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Monolith.Compute.V1;
using Monolith.Modules.Tests.Calls;
using Monolith.Modules.Tests.Compute;
using FlavorService = Monolith.Compute.Flavors.FlavorService;

namespace Monolith.Modules.Tests.Platform;

/// <summary>What a trace shows of the database.</summary>
public sealed class DatabaseSpanTests
{
    const string Secret = "what-nobody-may-read-in-a-trace";

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Requests_ShowTheirCommands_AndTheCommitThatTheyShare(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var service = new FlavorService(store.Store);
        using var spans = new Spans("test.commits." + provider);

        // The first holds the writer up, so that the others share a commit.
        TaskCompletionSource gate = new(), begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = store.Store.WriteAsync(Monolith.Platform.Calls.Call.Of("test"), _ =>
        {
            begun.SetResult();
            return gate.Task;
        }, default);
        await begun.Task;
        var traces = new List<ActivityTraceId>();
        var writes = Enumerable.Range(0, 3).Select(i => CreateAsync($"f{i}")).ToList();
        gate.SetResult();
        await first;
        await Task.WhenAll(writes);

        var commits = new List<Activity>();
        foreach (var trace in traces)
        {
            var own = spans.Ended.Where(s => s.TraceId == trace).ToList();
            var write = Assert.Single(own, s => s.OperationName == "store.write compute");
            Assert.Equal(write.SpanId, Assert.Single(own, s => s.OperationName == "store.wait compute").ParentSpanId);
            var insert = Assert.Single(own, s => Tag(s, "db.operation.name") is "INSERT" or "BATCH"
                && s.ParentSpanId == write.SpanId && Tag(s, "db.collection.name") is null or "flavors");
            var commit = Assert.Single(own, s => Tag(s, "db.operation.name") is "COMMIT");
            Assert.Equal((write.SpanId, "COMMIT compute"), (commit.ParentSpanId, commit.OperationName));
            Assert.Equal(3, commit.GetTagItem("monolith.store.batch.size"));
            commits.Add(commit);
            foreach (var span in new[] { insert, commit })
                Assert.Equal((provider == "sqlite" ? "sqlite" : "postgresql", "compute", ActivityKind.Client),
                    (Tag(span, "db.system.name"), Tag(span, "db.namespace"), span.Kind));
            Assert.All(own, s => Assert.DoesNotContain(s.TagObjects, t => $"{t.Value}".Contains(Secret,
                StringComparison.Ordinal)));
        }
        var anchor = Assert.Single(commits, c => !c.Links.Any());
        Assert.All(commits.Where(c => c != anchor), c => Assert.Equal(anchor.Context, Assert.Single(c.Links).Context));

        Task CreateAsync(string id)
        {
            using var request = spans.Request(id);
            traces.Add(request.TraceId);
            return service.CreateFlavor(new()
            {
                FlavorId = id,
                Flavor = new Flavor { Vcpus = 1, MemoryMib = 128, DiskGib = 1, DisplayName = Secret },
            }, new FakeCall());
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Commands_AreMeasured_ByModuleAndTable(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var seen = new ConcurrentBag<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument is { Name: "db.client.operation.duration", Meter.Name: "Monolith.Platform" })
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
            seen.Add(string.Join(' ', tags.ToArray().Select(t => t.Value))));
        listener.Start();
        await new FlavorService(store.Store).ListFlavors(new(), new FakeCall());
        Assert.Contains((provider == "sqlite" ? "sqlite" : "postgresql") + " compute SELECT flavors", seen);
    }

    static object? Tag(Activity span, string name) => span.GetTagItem(name);
}
