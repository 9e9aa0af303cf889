using System.Runtime.InteropServices;
using Monolith.Cli.Session;

namespace Monolith.Cli.Native;

/// <summary>Becomes another program: its terminal, signals and exit code are then its own.</summary>
internal static partial class Exec
{
    const int SigPipe = 13;
    const int NotFound = 2;

    /// <summary>Replaces this process; returns only by throwing.</summary>
    /// <param name="program">A path, or a name that is looked up in PATH.</param>
    /// <param name="arguments">Without the program itself.</param>
    /// <param name="hint">What to do when the program is not there.</param>
    /// <exception cref="UsageException">It cannot be run.</exception>
    public static int Replace(string program, IReadOnlyList<string> arguments, string hint)
    {
        Console.Out.Flush();
        // The runtime ignores SIGPIPE, and what is ignored stays so across exec.
        var ignored = signal(SigPipe, 0);
        string?[] all = [program, .. arguments, null];
        _ = execvp(program, all);
        var errno = Marshal.GetLastPInvokeError();
        _ = signal(SigPipe, ignored);
        throw errno == NotFound
            ? new UsageException($"{program} is not installed.", hint)
            : new UsageException($"{program} cannot be run: {Marshal.GetPInvokeErrorMessage(errno)}", hint);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execvp(string file, string?[] arguments);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);
}
