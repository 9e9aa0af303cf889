using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Monolith.Cli.Session;

namespace Monolith.Cli.Native;

/// <summary>Another program on this one's terminal, where something is to be done after it has ended.</summary>
internal static partial class Child
{
    const int SigHup = 1, SigTerm = 15;

    /// <summary>Runs it to its end. What a terminal sends at a key, it gets from there; what is sent to this process, from here.</summary>
    /// <param name="program">A path, or a name that is looked up in PATH.</param>
    /// <param name="arguments">Without the program itself.</param>
    /// <param name="hint">What to do when the program is not there.</param>
    /// <returns>Its exit code.</returns>
    /// <exception cref="UsageException">It cannot be run.</exception>
    public static async Task<int> RunAsync(string program, IReadOnlyList<string> arguments, string hint)
    {
        Console.Out.Flush();
        Process? child = null;
        using var keys = Ignored(PosixSignal.SIGINT);
        using var quit = Ignored(PosixSignal.SIGQUIT);
        using var ended = PassedOn(PosixSignal.SIGTERM, SigTerm);
        using var left = PassedOn(PosixSignal.SIGHUP, SigHup);
        try
        {
            child = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        }
        catch (Win32Exception e)
        {
            throw new UsageException(File.Exists(program) ? $"{program} cannot be run: {e.Message}" : $"{program} is not installed.", hint);
        }
        using (child)
        {
            await child.WaitForExitAsync(CancellationToken.None);
            return child.ExitCode;
        }

        PosixSignalRegistration Ignored(PosixSignal signal) => PosixSignalRegistration.Create(signal, context => context.Cancel = true);

        PosixSignalRegistration PassedOn(PosixSignal signal, int number) => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            if (child is { HasExited: false }) _ = kill(child.Id, number);
        });
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}
