using System.CommandLine;
using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Monolith.Cli.Session;

/// <summary>
/// One trace for each command, one span for each call in it. The context always travels with the calls; spans are
/// exported only where $OTEL_EXPORTER_OTLP_ENDPOINT says to whom.
/// </summary>
internal static class Traces
{
    static readonly ActivitySource Source = new("Monolith.Cli");

    /// <summary>Starts the exporter when it is configured; disposing it sends what is left.</summary>
    public static IDisposable? Export(Surroundings around) =>
        around.Variable("OTEL_EXPORTER_OTLP_ENDPOINT") is null
            ? null
            : Sdk.CreateTracerProviderBuilder()
                .ConfigureResource(resource => resource.AddService("monolith-cli"))
                .AddSource(Source.Name)
                .AddOtlpExporter()
                .Build();

    public static Activity Begin(Command command)
    {
        var words = new List<string>();
        for (var at = command; at is not RootCommand; at = (Command)at.Parents.First())
            words.Insert(0, at.Name);
        return Begin($"monolith {string.Join(' ', words)}", ActivityKind.Internal);
    }

    /// <summary>A span under the current one; it exists whether or not anybody listens.</summary>
    public static Activity Begin(string name, ActivityKind kind)
    {
        if (Source.StartActivity(name, kind) is { } heard)
            return heard;
        var trace = new Activity(name).SetIdFormat(ActivityIdFormat.W3C);
        trace.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        return trace.Start();
    }
}
