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
    private readonly string _path;
    private readonly Dictionary<string, LedgerRecord> _live = new(StringComparer.Ordinal);
    private readonly List<LedgerRecord> _loaded;
    private SafeFileHandle _file;
    private long _length;
    private long _liveLength;
    private bool _broken;

    private FileLedger(string path, SafeFileHandle file, List<LedgerRecord> records, long length)
    {
        (_path, _file, _length) = (path, file, length);
        foreach (var record in records) Note(record);
        _loaded = [.. _live.Values];
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

    public IReadOnlyList<LedgerRecord> Load() => _loaded;

    public void Commit(IReadOnlyList<LedgerRecord> records)
    {
        if (records.Count == 0) return;
        if (_broken) Reopen();
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var record in records) LedgerCodec.Write(buffer, record);
        // After a failed write or fsync nobody knows what the file holds: it is read again before the next commit.
        _broken = true;
        RandomAccess.Write(_file, buffer.WrittenSpan, _length);
        RandomAccess.FlushToDisk(_file);
        _broken = false;
        _length += buffer.WrittenCount;
        foreach (var record in records) Note(record);
        if (_length > CompactAbove && _length > 4 * _liveLength) Compact();
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Cuts off what a failed commit may have left. What is in memory was durable before it.</summary>
    private void Reopen()
    {
        RandomAccess.SetLength(_file, _length);
        RandomAccess.FlushToDisk(_file);
        _broken = false;
    }

    private void Note(LedgerRecord record)
    {
        if (_live.Remove(record.Key, out var old)) _liveLength -= LengthOf(old);
        if (record.Body is null) return;
        _live[record.Key] = record;
        _liveLength += LengthOf(record);
    }

    private static long LengthOf(LedgerRecord record) => 32 + record.Key.Length + (record.Body?.Length ?? 0);

    private void Compact()
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(LedgerCodec.Magic);
        foreach (var record in _live.Values) LedgerCodec.Write(buffer, record);
        var fresh = File.OpenHandle(_path + ".new", FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        try
        {
            RandomAccess.Write(fresh, buffer.WrittenSpan, 0);
            RandomAccess.FlushToDisk(fresh);
            File.Move(_path + ".new", _path, overwrite: true);
        }
        catch
        {
            fresh.Dispose();
            throw;
        }

        _file.Dispose();
        (_file, _length) = (fresh, buffer.WrittenCount);
        DirectorySync.Flush(Path.GetDirectoryName(Path.GetFullPath(_path))!);
    }
}
