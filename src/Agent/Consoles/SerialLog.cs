using Monolith.Agent.Vms;

namespace Monolith.Agent.Consoles;

/// <summary>
/// The file that QEMU appends a guest's serial output to, agent or not, and the file that is before it.
/// <code>
///   serial.log.1 │ serial.log ◀─ QEMU
///                └─ cut
/// </code>
/// </summary>
internal sealed class SerialLog(VmId id, string path) : ConsoleLog
{
    private readonly Lock gate = new();
    private long cut = -1;

    private string Before => path + ".1";

    /// <summary>Keeps the current file under a limit; what it held becomes the file before.</summary>
    public void Bound(long limit)
    {
        lock (gate)
        {
            Begin();
            cut += VmFiles.Bound(path, limit);
        }
    }

    protected override (long Oldest, long End) Extent()
    {
        lock (gate)
        {
            Begin();
            return (cut - Length(Before), cut + Length(path));
        }
    }

    protected override int Read(ref long position, Span<byte> into)
    {
        lock (gate)
        {
            Begin();
            // Not merely empty.
            if (!Directory.Exists(Path.GetDirectoryName(path)))
                throw new VmException(VmFailure.NotFound, $"VM {id} was removed from this hypervisor, and its log with it");
            position = Math.Max(position, cut - Length(Before));
            // Cut by other hands: what comes now is new.
            if (position > cut + Length(path)) position = cut;
            var read = position < cut
                ? ReadFile(Before, position - (cut - Length(Before)), into)
                : ReadFile(path, position - cut, into);
            position += read;
            return read;
        }
    }

    /// <summary>Positions begin with what is there when it is first looked at.</summary>
    private void Begin()
    {
        if (cut < 0) cut = Length(Before);
    }

    private static int ReadFile(string file, long offset, Span<byte> into)
    {
        try
        {
            using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return RandomAccess.Read(handle, into, offset);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return 0; // A VM that never ran.
        }
    }

    private static long Length(string file) => new FileInfo(file) is { Exists: true } found ? found.Length : 0;
}
