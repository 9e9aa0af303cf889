using Monolith.Agent.Join;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Monolith.Agent.Daemon;

/// <summary>
/// Traces and metrics of this process by OTLP, when OTEL_EXPORTER_OTLP_ENDPOINT is set; how is said by the other
/// variables of that family (OpenTelemetry Protocol Exporter, "Configuration Options").
/// </summary>
internal sealed class Telemetry(TracerProvider tracer, MeterProvider meter) : IDisposable
{
    /// <summary>An agent that stops does not wait for a collector that is away.</summary>
    private const int FlushMilliseconds = 1000;

    /// <returns>Null when nobody wants it.</returns>
    public static Telemetry? Start(NodeIdentity identity)
    {
        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is not { Length: > 0 }) return null;
        var resource = ResourceBuilder.CreateDefault()
            .AddService("monolith-agent", serviceVersion: AgentOptions.ThisVersion, serviceInstanceId: identity.Node)
            .AddAttributes([new("monolith.node", identity.Node), new("monolith.role", identity.Role)]);
        return new Telemetry(
            Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
                .AddSource(AgentTelemetry.Name).AddOtlpExporter().Build(),
            Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
                .AddMeter(AgentTelemetry.Name, "System.Runtime").AddOtlpExporter().Build());
    }

    public void Dispose()
    {
        tracer.Shutdown(FlushMilliseconds);
        meter.Shutdown(FlushMilliseconds);
        tracer.Dispose();
        meter.Dispose();
    }
}
