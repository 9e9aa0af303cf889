using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Monolith.Agent;
using Monolith.Crash;
using Monolith.Crash.Nodes;
using Monolith.Protos;

// Runs the hypervisors whose identities are in DIRECTORY/NAME, and dies where POINTS says:
//
//   Monolith.Crash.Nodes POINTS DIRECTORY NAME...
//
// Each line that comes is answered with a line of what all of them hold (JSON, NodeFacts). When no more comes, it ends.
Descriptors.MakeAll();
var points = new Points(args[0]);
using var messages = new MeterListener
{
    InstrumentPublished = (instrument, self) =>
    {
        if (instrument.Meter.Name == AgentTelemetry.Name && instrument.Name == "monolith.agent.sync.messages")
            self.EnableMeasurementEvents(instrument);
    },
};
messages.SetMeasurementEventCallback<long>((_, _, tags, _) => points.CrossOrDie("message " + Words(tags)));
messages.Start();
using var steps = new ActivityListener
{
    ShouldListenTo = source => source.Name == AgentTelemetry.Name,
    Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
    ActivityStarted = step => points.CrossOrDie($"step {step.OperationName} begins"),
    ActivityStopped = step => points.CrossOrDie($"step {step.OperationName} ends"),
};
ActivitySource.AddActivityListener(steps);

var names = args[2..];
var machines = names.Select((name, i) => new Machine(name, i + 1)).ToList();
var running = names.Zip(machines, (name, machine) => machine.RunAsync(Path.Combine(args[1], name), points)).ToList();
Console.WriteLine("ready");
while (await Console.In.ReadLineAsync() is not null)
{
    // An agent that has ended says why.
    foreach (var ended in running.Where(r => r.IsCompleted)) await ended;
    Console.WriteLine(JsonSerializer.Serialize(machines.Select(m => m.Facts)));
}
return 0;

static string Words(ReadOnlySpan<KeyValuePair<string, object?>> tags)
{
    var words = new List<string>();
    foreach (var tag in tags) words.Add($"{tag.Value}");
    return string.Join(' ', words);
}
