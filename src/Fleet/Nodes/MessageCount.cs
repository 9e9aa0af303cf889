using System.Diagnostics.Metrics;
using Monolith.Agent;

namespace Monolith.Fleet.Nodes;

/// <summary>
/// Messages that all agents and the host exchanged, as the agents count them. A hello is none: it comes in the headers
/// of its call.
/// </summary>
internal sealed class MessageCount : IDisposable
{
    readonly MeterListener listener = new();
    long count, portUpserts;

    public MessageCount()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == AgentTelemetry.Name && instrument.Name == "monolith.agent.sync.messages")
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            Interlocked.Add(ref count, value);
            if (Has(tags, "concern", "ports") && Has(tags, "kind", "Upsert")) Interlocked.Add(ref portUpserts, value);
        });
        listener.Start();
    }

    public long Value => Interlocked.Read(ref count);

    /// <summary>Those that tell a hypervisor of a port, or of the members of a group.</summary>
    public long PortUpserts => Interlocked.Read(ref portUpserts);

    public void Dispose() => listener.Dispose();

    static bool Has(ReadOnlySpan<KeyValuePair<string, object?>> tags, string key, string value)
    {
        foreach (var tag in tags)
            if (tag.Key == key) return tag.Value as string == value;
        return false;
    }
}
