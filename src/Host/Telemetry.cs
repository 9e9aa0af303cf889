using System.Collections;
using System.Diagnostics.Metrics;
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
                metrics.AddView(StreamOf);
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

    // Room for the values of an instrument is taken when it is made: 2,000 sets of labels unless told otherwise, which only
    // calls, of each method and with each outcome, come near.
    static MetricStreamConfiguration? StreamOf(Instrument instrument) => instrument switch
    {
        // The store measures its commands by module, on either database.
        { Meter.Name: "Npgsql", Name: "db.client.operation.duration" } => MetricStreamConfiguration.Drop,
        { Name: "http.server.request.duration" } => null,
        _ => new MetricStreamConfiguration { CardinalityLimit = 200 },
    };

    public static void MapTelemetry(this WebApplication app, HostOptions options)
    {
        if (options.Metrics is null) return;
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapGet("/healthz", () => "ok\n");
    }
}
