using System.Runtime.InteropServices;
using Monolith.Cli.Session;

namespace Monolith.Cli.Native;

/// <summary>
/// The terminal on standard input, raw (termios(3), cfmakeraw): every key is passed on as it is, Ctrl-C as well. It is as it
/// was before when this is disposed of, when the process ends by itself, and when a signal ends it that can be caught.
/// </summary>
internal sealed partial class RawTerminal : IDisposable
{
    const int Input = 0;
    const int AtOnce = 0; // TCSANOW

    // struct termios has 60 bytes with glibc and musl on every architecture that is built for.
    const int Size = 256;

    readonly byte[] before;
    readonly List<IDisposable> watches = [];
    int restored;

    RawTerminal(byte[] before) => this.before = before;

    /// <exception cref="UsageException">It cannot be made raw.</exception>
    public static IDisposable Enter()
    {
        var (before, raw) = (new byte[Size], new byte[Size]);
        if (tcgetattr(Input, before) != 0) throw Refused();
        before.CopyTo(raw, 0);
        cfmakeraw(raw);
        var terminal = new RawTerminal(before);
        AppDomain.CurrentDomain.ProcessExit += terminal.Restore;
        // Keys send none of these any more; who does, ends the process without a word.
        foreach (var signal in new[] { PosixSignal.SIGHUP, PosixSignal.SIGQUIT })
            terminal.watches.Add(PosixSignalRegistration.Create(signal, _ => terminal.Restore(null, EventArgs.Empty)));
        if (tcsetattr(Input, AtOnce, raw) == 0) return terminal;
        terminal.Dispose();
        throw Refused();
    }

    void Restore(object? sender, EventArgs e)
    {
        if (Interlocked.Exchange(ref restored, 1) == 0) _ = tcsetattr(Input, AtOnce, before);
    }

    public void Dispose()
    {
        Restore(null, EventArgs.Empty);
        AppDomain.CurrentDomain.ProcessExit -= Restore;
        watches.ForEach(w => w.Dispose());
    }

    static UsageException Refused() => new(
        $"The terminal cannot be made raw: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}",
        "Give what is to be typed on standard input instead.");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcgetattr(int fd, [Out] byte[] termios);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcsetattr(int fd, int actions, [In] byte[] termios);

    [LibraryImport("libc")]
    private static partial void cfmakeraw([In, Out] byte[] termios);
}
