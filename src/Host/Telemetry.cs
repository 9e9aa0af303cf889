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
                metrics.AddAspNetCoreInstrumentation().AddRuntimeInstrumentation();
                if (options.Metrics is not null) metrics.AddPrometheusExporter();
                if (otlp) metrics.AddOtlpExporter();
            })
            .WithTracing(tracing =>
            {
                if (!otlp) return;
                tracing.AddSource("Monolith.*", "MassTransit", "Npgsql").AddAspNetCoreInstrumentation().AddOtlpExporter();
            });
    }

    public static void MapTelemetry(this WebApplication app, HostOptions options)
    {
        if (options.Metrics is null) return;
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapGet("/healthz", () => "ok\n");
    }
}
