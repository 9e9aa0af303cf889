using System.Diagnostics;
using System.Text.Json;
using Monolith.Simulation.Tests.Promises;

namespace Monolith.Crash.Tests;

/// <summary>The hypervisors, in a process of their own: see <c>Nodes/Program.cs</c>. It ends when this one does.</summary>
internal sealed class NodesProcess(string points, string directory, IReadOnlyList<string> names) : IAsyncDisposable
{
    static readonly string Program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../..",
        "bin/Monolith.Crash.Nodes/debug/Monolith.Crash.Nodes.dll"));

    Process? process;

    public bool HasExited => process is { HasExited: true };

    /// <summary>Starts it, or starts it again on what is on its disk.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        process?.Dispose();
        var start = new ProcessStartInfo("dotnet", [Program, points, directory, .. names])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment.Remove("DOTNET_STARTUP_HOOKS");
        process = Process.Start(start)!;
        if (await process.StandardOutput.ReadLineAsync(cancel) != "ready")
            throw new InvalidOperationException("The nodes did not start.");
    }

    /// <summary>What all of them hold; null: nobody is there to ask.</summary>
    public async Task<IReadOnlyList<NodeFacts>?> FactsAsync(CancellationToken cancel)
    {
        try
        {
            await process!.StandardInput.WriteLineAsync("facts");
            await process.StandardInput.FlushAsync(cancel);
            return await process.StandardOutput.ReadLineAsync(cancel) is { } line
                ? JsonSerializer.Deserialize<List<NodeFacts>>(line)
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (process is null) return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
