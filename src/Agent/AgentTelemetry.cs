using System.Diagnostics;
using System.Diagnostics.Metrics;
using Monolith.Agent.Sync;

namespace Monolith.Agent;

/// <summary>Traces and metrics of the agent. The exporter is wired by whoever runs it.</summary>
public static class AgentTelemetry
{
    public const string Name = "Monolith.Agent";

    internal static readonly ActivitySource Activities = new(Name);
    private static readonly Meter Meter = new(Name);

    internal static readonly Counter<long> Reconnects = Meter.CreateCounter<long>(
        "monolith.agent.sync.reconnects", "{stream}", "Streams to the host that ended.");

    private static readonly Counter<long> Messages = Meter.CreateCounter<long>(
        "monolith.agent.sync.messages", "{message}", "Messages on streams with the host.");

    /// <summary>The counter of <see cref="Fetched"/>.</summary>
    public const string ImageBytesName = "monolith.agent.image.bytes";

    private static readonly Counter<long> ImageBytes = Meter.CreateCounter<long>(
        ImageBytesName, "By", "Bytes of images that arrived, by source: host or peer.");

    private static readonly Histogram<double> Steps = Meter.CreateHistogram<double>(
        "monolith.agent.step.duration", "s", "Time of one reconcile step, with driver calls, by outcome.");

    internal static void Received(string concern, Downlink message) => Count(concern, "down", message.GetType().Name);

    internal static void Sent(string concern, Uplink message) => Count(concern, "up", message.GetType().Name);

    private static readonly AsyncLocal<ActivityContext> Causes = new();

    /// <summary>What the steps of this flow are a consequence of; default: of nothing that is known.</summary>
    internal static ActivityContext Cause
    {
        get => Causes.Value;
        set => Causes.Value = value;
    }

    /// <summary>Bytes of an image came from the host, or from another node.</summary>
    internal static void Fetched(long bytes, bool fromHost) =>
        ImageBytes.Add(bytes, new KeyValuePair<string, object?>("source", fromHost ? "host" : "peer"));

    /// <summary>A span of something that was waited for and has come about.</summary>
    internal static void Came(string what, string id, DateTimeOffset began)
    {
        using var span = Activities.StartActivity(what, ActivityKind.Internal, Cause, startTime: began);
        span?.SetTag("monolith.id", id);
    }

    /// <summary>Times a step and traces it; the span has the id of the item and the outcome.</summary>
    internal static async Task StepAsync(string step, string id, TimeProvider time, Func<Task> act)
    {
        using var span = Activities.StartActivity(step, ActivityKind.Consumer, Cause);
        span?.SetTag("monolith.id", id);
        var start = time.GetTimestamp();
        var outcome = "failed";
        try
        {
            await act();
            outcome = "done";
        }
        catch (OperationCanceledException)
        {
            outcome = "interrupted";
            throw;
        }
        catch (Exception e)
        {
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
        finally
        {
            if (Steps.Enabled)
            {
                Steps.Record(
                    time.GetElapsedTime(start).TotalSeconds,
                    new KeyValuePair<string, object?>("step", step),
                    new KeyValuePair<string, object?>("outcome", outcome));
            }
        }
    }

    private static void Count(string concern, string direction, string kind)
    {
        if (!Messages.Enabled) return;
        Messages.Add(
            1,
            new KeyValuePair<string, object?>("concern", concern),
            new KeyValuePair<string, object?>("direction", direction),
            new KeyValuePair<string, object?>("kind", kind));
    }
}
