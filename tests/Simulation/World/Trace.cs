using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Monolith.Simulation.Tests.World;

/// <summary>
/// All that happened, as one number: two runs of a seed that did the same have the same. The last of it in words, for
/// people. With <c>MONOLITH_SIMULATION_TRACE</c> all of it goes to that file.
/// </summary>
internal sealed class Trace(Scheduler scheduler) : IDisposable
{
    const int Kept = 200;
    readonly Queue<string> last = new();
    static readonly string? Path = Environment.GetEnvironmentVariable("MONOLITH_SIMULATION_TRACE");
    readonly StreamWriter? file = Path is { Length: > 0 } ? new StreamWriter(Path, append: true) : null;

    // FNV-1a.
    public ulong Hash { get; private set; } = 14695981039346656037;

    public IEnumerable<string> Last => last;

    public void Pick(string process, int index, int others)
    {
        Mix(process);
        Mix(MemoryMarshal.AsBytes<int>([index, others]));
        file?.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{scheduler.Now:HH:mm:ss.ffffff} pick {process} {index}/{others}"));
    }

    /// <summary>Something that counts: a message, a commit, a fault.</summary>
    public void Say(string what)
    {
        Mix(what);
        var line = string.Create(CultureInfo.InvariantCulture, $"{scheduler.Now:HH:mm:ss.ffffff} {what}");
        file?.WriteLine(line);
        last.Enqueue(line);
        if (last.Count > Kept) last.Dequeue();
    }

    /// <summary>In words only, since it may name what differs from run to run.</summary>
    public void Whisper(string what)
    {
        last.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{scheduler.Now:HH:mm:ss.ffffff} {what}"));
        if (last.Count > Kept) last.Dequeue();
        file?.WriteLine("  " + what);
    }

    void Mix(string text) => Mix(Encoding.UTF8.GetBytes(text));

    void Mix(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes) Hash = (Hash ^ b) * 1099511628211;
    }

    public void Dispose() => file?.Dispose();
}
