using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Monolith.Agent.Native.Safe;

/// <summary>What a short command gave back. <paramref name="Output"/> holds both streams, at most 64 KiB.</summary>
internal sealed record ProcessResult(int ExitCode, string Output)
{
    public bool Succeeded => ExitCode == 0;
}

/// <summary>Runs a short command to its end, within a deadline, with bounded output.</summary>
internal static class ProcessCommand
{
    private const int OutputLimit = 64 * 1024;

    /// <exception cref="TimeoutException">It took longer than <paramref name="deadline"/> and was killed.</exception>
    /// <exception cref="FileNotFoundException">There is no such program.</exception>
    public static async Task<ProcessResult> RunAsync(
        string executable, IReadOnlyList<string> arguments, string directory, TimeSpan deadline,
        CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(executable, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Start(start);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(deadline);
        process.StandardInput.Close();
        try
        {
            var texts = await Task.WhenAll(
                ReadAsync(process.StandardOutput, limit.Token), ReadAsync(process.StandardError, limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return new ProcessResult(process.ExitCode, string.Concat(texts));
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            cancellation.ThrowIfCancellationRequested();
            throw new TimeoutException(
                $"{executable} did not finish within {deadline.TotalSeconds:0.#} s; it was killed");
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e) when (e.NativeErrorCode == 2)
        {
            throw new FileNotFoundException($"{start.FileName} is not installed", start.FileName, e);
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var buffer = new char[4096];
        int read;
        while ((read = await reader.ReadAsync(buffer, cancellation)) > 0)
            text.Append(buffer, 0, Math.Min(read, OutputLimit - text.Length));
        return text.ToString();
    }
}
