using System.Collections;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Monolith.Host;

/// <summary>
/// Traces and metrics of every hop: client, module, database, bus, agent. Metrics at <c>/metrics</c>; both by OTLP when
/// OTEL_EXPORTER_OTLP_ENDPOINT is set.
/// </summary>
internal static class Telemetry
{
    public static void AddTelemetry(this WebApplicationBuilder builder, HostOptions options)
    {
        // The exporter reads its options from the configuration, and this host's has no environment but this.
        builder.Configuration.AddInMemoryCollection(Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(v => KeyValuePair.Create((string)v.Key, (string?)v.Value))
            .Where(v => v.Key.StartsWith("OTEL_", StringComparison.Ordinal)));
        var otlp = builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 };
        if (!otlp && options.Metrics is null) return;
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(r => r.AddService("monolith-host"))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter("Monolith.*", "MassTransit", "Microsoft.AspNetCore.*", "Npgsql");
                // The store measures its commands by module, on either database.
                metrics.AddView(i => i.Meter.Name == "Npgsql" && i.Name == "db.client.operation.duration"
                    ? MetricStreamConfiguration.Drop : null);
                metrics.AddAspNetCoreInstrumentation().AddRuntimeInstrumentation();
                if (options.Metrics is not null) metrics.AddPrometheusExporter();
                if (otlp) metrics.AddOtlpExporter();
            })
            .WithTracing(tracing =>
            {
                if (!otlp) return;
                // The store's own spans, Monolith.Platform's, stand for Npgsql's as well.
                tracing.AddSource("Monolith.*", "MassTransit").AddAspNetCoreInstrumentation().AddOtlpExporter();
            });
    }

    public static void MapTelemetry(this WebApplication app, HostOptions options)
    {
        if (options.Metrics is null) return;
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapGet("/healthz", () => "ok\n");
    }
}
