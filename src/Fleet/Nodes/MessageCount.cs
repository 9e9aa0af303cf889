using System.Diagnostics.Metrics;
using Monolith.Agent;

namespace Monolith.Fleet.Nodes;

/// <summary>
/// Messages that all agents and the host exchanged, as the agents count them. A hello counts when the host has answered
/// it with InSync: what an agent says to a host that is down reaches nobody.
/// </summary>
internal sealed class MessageCount : IDisposable
{
    readonly MeterListener listener = new();
    long count;

    public MessageCount()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == AgentTelemetry.Name && instrument.Name == "monolith.agent.sync.messages")
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            Interlocked.Add(ref count, value * Weight(tags)));
        listener.Start();
    }

    public long Value => Interlocked.Read(ref count);

    static int Weight(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (var tag in tags)
            if (tag.Key == "kind")
                return tag.Value switch { "Greeting" => 0, "InSync" => 2, _ => 1 };
        return 1;
    }

    public void Dispose() => listener.Dispose();
}
