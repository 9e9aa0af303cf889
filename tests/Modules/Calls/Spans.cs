using System.Collections.Concurrent;
using System.Diagnostics;

namespace Monolith.Modules.Tests.Calls;

/// <summary>Listens to the platform's spans, and to a source of the test's own; records them all.</summary>
internal sealed class Spans : IDisposable
{
    readonly ConcurrentBag<Activity> ended = [];
    readonly ActivityListener listener;

    /// <param name="test">Unlike any other test's.</param>
    public Spans(string test)
    {
        Requests = new ActivitySource(test);
        listener = new ActivityListener
        {
            ShouldListenTo = s => s == Requests || s.Name == "Monolith.Platform",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Add,
        };
        ActivitySource.AddActivityListener(listener);
    }

    public ActivitySource Requests { get; }

    /// <summary>Of other tests as well, that run at the same time.</summary>
    public IEnumerable<Activity> Ended => ended;

    /// <summary>A request that begins a trace: what is started here is no parent of the next.</summary>
    public Activity Request(string name) =>
        Requests.StartActivity(ActivityKind.Server, name: name, parentContext: default)!;

    public void Dispose()
    {
        listener.Dispose();
        Requests.Dispose();
    }
}
