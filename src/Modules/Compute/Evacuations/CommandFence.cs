using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Monolith.Compute.Hypervisors;
using Monolith.Platform.Names;

namespace Monolith.Compute.Evacuations;

/// <summary>
/// Runs what the operators gave: with the hypervisor's id as its argument, and its labels as a JSON object in
/// <c>MONOLITH_LABELS</c>, where the address of the machine's power controller is kept. Its end with 0 says that the
/// machine is off.
/// </summary>
/// <param name="path">Empty: there is none.</param>
internal sealed class CommandFence(string path) : IFence
{
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(50);
    const int MostWords = 500;

    public bool IsThere => path.Length > 0;

    public async Task<string?> TurnOffAsync(HypervisorRow hypervisor, CancellationToken cancel)
    {
        if (!IsThere) return "The host has no fence command any more.";
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(Limit);
        var start = new ProcessStartInfo(path, [hypervisor.Id])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["MONOLITH_LABELS"] = JsonSerializer.Serialize(Labels.Read(hypervisor.Labels));
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            try
            {
                var (output, errors) = (process.StandardOutput.ReadToEndAsync(late.Token),
                    process.StandardError.ReadToEndAsync(late.Token));
                await process.WaitForExitAsync(late.Token);
                return process.ExitCode == 0 ? null
                    : $"{path} ended with {process.ExitCode}: {Last(await errors, await output)}";
            }
            finally
            {
                if (!process.HasExited) process.Kill(entireProcessTree: true);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return $"{path} did not end within {Limit.TotalSeconds:0} s.";
        }
        catch (Win32Exception e)
        {
            return $"{path} cannot be run: {e.Message}";
        }
    }

    static string Last(string errors, string output)
    {
        var words = (errors.Trim().Length > 0 ? errors : output).Trim();
        return words.Length == 0 ? "it said nothing." : words.Length <= MostWords ? words : "…" + words[^MostWords..];
    }
}
