using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Ledger;

/// <summary>
/// A set in an append-only file. A log and not a file per item: one commit of a hundred items is one write and one
/// fsync, and what a kill or a power loss can leave is always a prefix of what was written.
/// <code>
///   commit:   append records ── fsync
///   compact:  write NAME.new ── fsync ── rename over NAME ── fsync directory
///   load:     good prefix is the set; a torn tail is cut off; bytes after it are kept as NAME.damaged
/// </code>
/// </summary>
internal sealed class FileLedger : ILedger
{
    private const long CompactAbove = 256 * 1024;
    private readonly string path;
    private readonly Dictionary<string, LedgerRecord> live = new(StringComparer.Ordinal);
    private readonly List<LedgerRecord> loaded;
    private SafeFileHandle file;
    private long length;
    private long liveLength;
    private bool broken;

    private FileLedger(string path, SafeFileHandle file, List<LedgerRecord> records, long length)
    {
        (this.path, this.file, this.length) = (path, file, length);
        foreach (var record in records) Note(record);
        loaded = [.. live.Values];
    }

    /// <summary>Bytes at the end of the file that were no records; 0 is the rule, a torn write is small.</summary>
    public long DamagedBytes { get; private init; }

    /// <summary>Opens or makes a ledger. The directory must exist and belong to this process alone.</summary>
    public static FileLedger Open(string path)
    {
        File.Delete(path + ".new");
        var bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        var records = new List<LedgerRecord>();
        var good = LedgerCodec.Read(bytes, records);
        if (good < bytes.Length) File.WriteAllBytes(path + ".damaged", bytes);
        var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        if (good < bytes.Length) RandomAccess.SetLength(file, good);
        if (good == 0)
        {
            RandomAccess.Write(file, LedgerCodec.Magic, 0);
            good = LedgerCodec.Magic.Length;
        }

        RandomAccess.FlushToDisk(file);
        DirectorySync.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return new FileLedger(path, file, records, good) { DamagedBytes = Math.Max(0, bytes.Length - good) };
    }

    public IReadOnlyList<LedgerRecord> Load() => loaded;

    public void Commit(IReadOnlyList<LedgerRecord> records)
    {
        if (records.Count == 0) return;
        if (broken) Reopen();
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var record in records) LedgerCodec.Write(buffer, record);
        // After a failed write or fsync nobody knows what the file holds: it is read again before the next commit.
        broken = true;
        RandomAccess.Write(file, buffer.WrittenSpan, length);
        RandomAccess.FlushToDisk(file);
        broken = false;
        length += buffer.WrittenCount;
        foreach (var record in records) Note(record);
        if (length > CompactAbove && length > 4 * liveLength) Compact();
    }

    public void Dispose() => file.Dispose();

    /// <summary>Cuts off what a failed commit may have left. What is in memory was durable before it.</summary>
    private void Reopen()
    {
        RandomAccess.SetLength(file, length);
        RandomAccess.FlushToDisk(file);
        broken = false;
    }

    private void Note(LedgerRecord record)
    {
        if (live.Remove(record.Key, out var old)) liveLength -= LengthOf(old);
        if (record.Body is null) return;
        live[record.Key] = record;
        liveLength += LengthOf(record);
    }

    private static long LengthOf(LedgerRecord record) => 32 + record.Key.Length + (record.Body?.Length ?? 0);

    private void Compact()
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(LedgerCodec.Magic);
        foreach (var record in live.Values) LedgerCodec.Write(buffer, record);
        var fresh = File.OpenHandle(path + ".new", FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        try
        {
            RandomAccess.Write(fresh, buffer.WrittenSpan, 0);
            RandomAccess.FlushToDisk(fresh);
            File.Move(path + ".new", path, overwrite: true);
        }
        catch
        {
            fresh.Dispose();
            throw;
        }

        file.Dispose();
        (file, length) = (fresh, buffer.WrittenCount);
        DirectorySync.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}
