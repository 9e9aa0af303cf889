using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime;

namespace Monolith.Host;

/// <summary>Where the time of a start went, for one line of the log. Milliseconds since the process began.</summary>
internal sealed partial class StartClock
{
    readonly DateTime began = Process.GetCurrentProcess().StartTime.ToUniversalTime();
    readonly ConcurrentQueue<string> laps = new();

    public StartClock() => Lap("running");

    /// <summary>A step of the start has ended.</summary>
    public void Lap(string step) => laps.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{step} {Now}"));

    /// <summary>One of the things that a step does side by side has ended.</summary>
    public void Part(string part) => Lap("+" + part);

    public void Tell(ILogger<StartClock> log) => LogReady(log, Now, string.Join(", ", laps),
        JitInfo.GetCompiledMethodCount(), (long)JitInfo.GetCompilationTime().TotalMilliseconds);

    // The kernel's clock ticks in hundredths of a second, and so does the beginning.
    long Now => (long)(DateTime.UtcNow - began).TotalMilliseconds;

    [LoggerMessage(LogLevel.Information,
        "Ready {Total} ms after the process began: {Laps}; {Methods} methods were compiled in {Compiling} ms of all threads")]
    static partial void LogReady(ILogger log, long total, string laps, long methods, long compiling);
}
