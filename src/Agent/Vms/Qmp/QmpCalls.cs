using System.Text.Json;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Vms.Qmp;

/// <summary>Commands of one kind over a monitor: what they share. Each has the same deadline.</summary>
internal abstract class QmpCalls(QmpMonitor monitor, TimeSpan deadline)
{
    protected static string Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
            ? value.GetString() ?? "" : "";

    protected static long Number(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value.GetInt64() : 0;

    /// <param name="handle">Goes with the command, and is QEMU's as well from then on.</param>
    protected Task<JsonElement> ExecuteAsync(
        string command, Action<Utf8JsonWriter>? arguments, CancellationToken cancellation, FileHandle? handle = null) =>
        monitor.ExecuteAsync(command, arguments, deadline, cancellation, handle);

    /// <summary>One that may take longer.</summary>
    protected Task<JsonElement> ExecuteAsync(
        string command, Action<Utf8JsonWriter>? arguments, TimeSpan deadline, CancellationToken cancellation) =>
        monitor.ExecuteAsync(command, arguments, deadline, cancellation);

    /// <summary>What there is no more counts as done.</summary>
    protected async Task TryAsync(string command, Action<Utf8JsonWriter>? arguments, CancellationToken cancellation)
    {
        try
        {
            await ExecuteAsync(command, arguments, cancellation);
        }
        catch (QmpCommandException)
        {
            // There is no such thing any more, which is what was wanted.
        }
    }

    /// <returns>Null: there is no such job.</returns>
    protected async Task<DiskJob?> QueryJobAsync(string name, CancellationToken cancellation)
    {
        var answer = await ExecuteAsync("query-jobs", null, cancellation);
        if (answer.ValueKind != JsonValueKind.Array) throw new QmpProtocolException("query-jobs is no list");
        foreach (var job in answer.EnumerateArray())
        {
            if (Text(job, "id") == name)
                return new DiskJob(
                    Text(job, "status"), Number(job, "current-progress"), Number(job, "total-progress"),
                    Text(job, "error"));
        }
        return null;
    }

    protected async Task<bool> HasNodeAsync(string name, CancellationToken cancellation)
    {
        var answer = await ExecuteAsync("query-named-block-nodes", to => to.WriteBoolean("flat", true), cancellation);
        return answer.ValueKind == JsonValueKind.Array
            && answer.EnumerateArray().Any(node => Text(node, "node-name") == name);
    }
}
