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
    long count;

    public MessageCount()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == AgentTelemetry.Name && instrument.Name == "monolith.agent.sync.messages")
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref count, value));
        listener.Start();
    }

    public long Value => Interlocked.Read(ref count);

    public void Dispose() => listener.Dispose();
}
