using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Text;

namespace Monolith.Crash;

/// <summary>
/// A page that a process and its killer share: at which crossing it is to die, how many there were, and where it died. It
/// is a file, so that it outlives both.
/// <code>
///   0: the crossing to die at, from 1; 0: none    8: crossings since it was set    16: length of the name    24: the name
/// </code>
/// </summary>
public sealed unsafe class Points : IDisposable
{
    /// <summary>Of the environment: the file.</summary>
    public const string Variable = "CRASH_POINTS_FILE";

    const int Bytes = 4096, Name = 24;
    readonly MemoryMappedFile file;
    readonly MemoryMappedViewAccessor view;
    readonly byte* page;

    public Points(string path)
    {
        file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, Bytes);
        view = file.CreateViewAccessor();
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref page);
    }

    /// <summary>Since the last <see cref="Arm"/>.</summary>
    public long Crossings => Volatile.Read(ref *(long*)(page + 8));

    /// <summary>Where it died; empty: it did not.</summary>
    public string Died => Encoding.UTF8.GetString(page + Name, (int)Volatile.Read(ref *(long*)(page + 16)));

    /// <param name="number">From 1; 0: it is not to die, and crossings are counted.</param>
    public void Arm(long number)
    {
        Volatile.Write(ref *(long*)page, 0);
        Volatile.Write(ref *(long*)(page + 16), 0);
        Volatile.Write(ref *(long*)(page + 8), 0);
        Volatile.Write(ref *(long*)page, number);
    }

    /// <returns>True: this is the one. It is noted.</returns>
    public bool Cross(string what)
    {
        var crossing = Interlocked.Increment(ref *(long*)(page + 8));
        if (crossing != Volatile.Read(ref *(long*)page)) return false;
        var length = Encoding.UTF8.GetBytes(what, new Span<byte>(page + Name, Bytes - Name));
        Volatile.Write(ref *(long*)(page + 16), length);
        return true;
    }

    /// <summary>Does not return where this process is to die: SIGKILL comes first.</summary>
    public void CrossOrDie(string what)
    {
        if (!Cross(what)) return;
        using var self = Process.GetCurrentProcess();
        self.Kill();
    }

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
    }
}
