using System.Text.Json;
using System.Text.Json.Serialization;

namespace Monolith.Agent.Daemon;

/// <summary>What <c>monolith-agent status</c> shows; the running agent keeps it in its state directory.</summary>
internal sealed record StatusFile(
    string Node, string Role, string Host, string Version, int Pid, DateTimeOffset Written,
    IReadOnlyList<StatusFile.Stream> Streams, IReadOnlyDictionary<string, int> Items)
{
    internal sealed record Stream(string Concern, bool Connected, bool InSync, string LastFault);

    private const string Name = "status.json";
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    public static StatusFile? Read(string stateDirectory)
    {
        var path = Path.Combine(stateDirectory, Name);
        return File.Exists(path)
            ? JsonSerializer.Deserialize(File.ReadAllBytes(path), StatusFileJson.Default.StatusFile)
            : null;
    }

    /// <summary>Writes while the agent runs, when something changed.</summary>
    public static async Task KeepAsync(
        string stateDirectory, Func<StatusFile> current, TimeProvider time, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Every, time);
        var last = "";
        try
        {
            do
            {
                var status = current();
                var text = JsonSerializer.Serialize(
                    status with { Written = default }, StatusFileJson.Default.StatusFile);
                if (text == last) continue;
                var path = Path.Combine(stateDirectory, Name);
                File.WriteAllText(path + ".new", JsonSerializer.Serialize(status, StatusFileJson.Default.StatusFile));
                File.Move(path + ".new", path, overwrite: true);
                last = text;
            }
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException)
        {
            // The agent stops.
        }
    }
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(StatusFile))]
internal sealed partial class StatusFileJson : JsonSerializerContext;
