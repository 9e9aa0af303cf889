using System.Diagnostics.Metrics;
using Monolith.Agent;

namespace Monolith.Fleet.Nodes;

/// <summary>Bytes of images that nodes fetched, by source, as the agents count them. Emulated ones move none, and ask the
/// host from whom they would.</summary>
internal sealed class ImageCount : IDisposable
{
    readonly MeterListener listener = new();
    long host, peers;

    public ImageCount()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == AgentTelemetry.Name && instrument.Name == AgentTelemetry.ImageBytesName)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (tags.Length > 0 && (string?)tags[0].Value == "host") Interlocked.Add(ref host, value);
            else Interlocked.Add(ref peers, value);
        });
        listener.Start();
    }

    public (long Host, long Peers) Value => (Interlocked.Read(ref host), Interlocked.Read(ref peers));

    public void Dispose() => listener.Dispose();
}
