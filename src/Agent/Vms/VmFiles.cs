using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Monolith.Agent.Native.Safe;
using Monolith.Disks.Iso;

namespace Monolith.Agent.Vms;

/// <summary>What we remember of a VM's last run, so that a new agent needs no other memory.</summary>
/// <param name="Phase">The phase that was entered last.</param>
/// <param name="Generation">The generation acted on last.</param>
/// <param name="Shape"><see cref="VmCommandLine.Shape"/> of the last run.</param>
/// <param name="Process">QEMU; null while there is none, or when the agent died while it spawned.</param>
/// <param name="Since">When the phase was entered.</param>
/// <param name="Cause">Why.</param>
/// <param name="Migration">The last migration of this run.</param>
/// <param name="Snapshot">The copy of the disk that is here, or being made.</param>
internal sealed record VmRecord(
    VmPhase Phase, long Generation, string Shape, ProcessIdentity? Process, DateTimeOffset Since, string Cause,
    VmMigration? Migration = null, VmSnapshot? Snapshot = null);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(VmPlan))]
[JsonSerializable(typeof(VmRecord))]
internal sealed partial class VmJson : JsonSerializerContext;

/// <summary>
/// The directory of one VM.
/// <code>
///   plan.json     what it shall be           run.json      VmRecord: phase, process
///   disk.qcow2    root disk                  qemu.lock     QEMU's own pid file, locked while it lives
///   qmp.sock      monitor                    serial.sock   console
///   serial.log    serial output, bounded     qemu.log      QEMU's own words, bounded
///   screen.png    while a picture is taken
///   rescue.qcow2  what it boots from while it is rescued and runs
///   drive.iso     what tells it who it is, while it runs
///   snapshot.qcow2[.new]   copy of the disk   snapshot.lock, .sock, .log   who makes it while no guest runs
/// </code>
/// Files are replaced whole: written beside, synced, renamed, directory synced.
/// </summary>
internal sealed class VmFiles(string directory)
{
    // QEMU's group may pass through to what it owns; others may not even do that.
    private const UnixFileMode DirectoryMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute;

    public string Directory { get; } = Path.GetFullPath(directory);

    public string Disk => Path.Combine(Directory, VmCommandLine.Disk);

    public string NewDisk => Disk + ".new";

    public string Rescue => Path.Combine(Directory, VmCommandLine.RescueDisk);

    public string Drive => Path.Combine(Directory, VmCommandLine.Drive);

    public string PidFile => Path.Combine(Directory, "qemu.lock");

    public string Log => Path.Combine(Directory, "qemu.log");

    /// <summary>
    /// Where QEMU looks for the key of a migration: who sends reads it once, who receives reads it at each handshake.
    /// </summary>
    public string MigrationKey => Path.Combine(Directory, "keys.psk");

    /// <summary>Where QEMU looks for the group of a TLS endpoint that listens.</summary>
    public string DhParameters => Path.Combine(Directory, "dh-params.pem");

    /// <summary>QEMU may write it and make no files here: it is there before it is asked for.</summary>
    public string Screen => Path.Combine(Directory, VmCommandLine.Screen);

    public string Snapshot => Path.Combine(Directory, "snapshot.qcow2");

    public const string NewSnapshotName = "snapshot.qcow2.new";

    public string NewSnapshot => Path.Combine(Directory, NewSnapshotName);

    public string CopierPid => Path.Combine(Directory, "snapshot.lock");

    public string CopierLog => Path.Combine(Directory, "snapshot.log");

    public string SerialLog => Path.Combine(Directory, VmCommandLine.SerialLog);

    public void Make(ProcessUser? vmUser)
    {
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException();
        System.IO.Directory.CreateDirectory(Directory, DirectoryMode);
        vmUser?.Admit(Directory);
    }

    /// <summary>Made anew: a QEMU that has the one before open keeps that.</summary>
    public void Write(VmDrive drive, ProcessUser? vmUser)
    {
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException();
        File.Delete(Drive);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            // User data hold secrets.
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var stream = new FileStream(Drive, options)) stream.Write(IsoImage.Of(drive.Label, drive.Files));
        vmUser?.Own(Drive);
    }

    /// <summary>What is there for one run alone.</summary>
    public void RemoveOfRun()
    {
        if (!System.IO.Directory.Exists(Directory)) return;
        File.Delete(Rescue);
        File.Delete(Drive);
    }

    public VmPlan? ReadPlan() => Read("plan.json", VmJson.Default.VmPlan);

    public void Write(VmPlan plan) => Write("plan.json", plan, VmJson.Default.VmPlan);

    public VmRecord? ReadRecord() => Read("run.json", VmJson.Default.VmRecord);

    public void Write(VmRecord record) => Write("run.json", record, VmJson.Default.VmRecord);

    /// <summary>Sockets of a dead QEMU are in the way of the next.</summary>
    public void RemoveSockets()
    {
        File.Delete(Path.Combine(Directory, VmCommandLine.MonitorSocket));
        File.Delete(Path.Combine(Directory, VmCommandLine.SerialSocket));
    }

    /// <summary>
    /// Keeps a log that another process appends to under a limit: the text moves to NAME.1, the file starts anew. The
    /// writer's append mode follows. Output between the copy and the cut is lost; a log may, a disk may not fill up.
    /// </summary>
    /// <returns>Bytes that it held when it was cut; 0 when it was not.</returns>
    public static long Bound(string log, long limit)
    {
        var file = new FileInfo(log);
        if (!file.Exists || file.Length <= limit) return 0;
        using var stream = new FileStream(log, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        // A guest may have written gigabytes since the last look: only the end is kept.
        stream.Seek(-Math.Min(limit, stream.Length), SeekOrigin.End);
        using (var old = new FileStream(log + ".1", FileMode.Create, FileAccess.Write)) stream.CopyTo(old);
        var held = stream.Position;
        stream.SetLength(0);
        return held;
    }

    /// <summary>The last lines of a log after an offset, for people.</summary>
    public static string Tail(string log, long from, int lines)
    {
        const int window = 4096;
        try
        {
            using var stream = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            stream.Seek(Math.Max(from <= stream.Length ? from : 0, stream.Length - window), SeekOrigin.Begin);
            using var reader = new StreamReader(stream);
            var all = reader.ReadToEnd().Split(
                '\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            return string.Join(" | ", all.TakeLast(lines));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private T? Read<T>(string name, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(Directory, name)), type);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null; // Never half a file: whoever wrote it, it is none of ours.
        }
    }

    private void Write<T>(string name, T value, JsonTypeInfo<T> type)
    {
        var path = Path.Combine(Directory, name);
        using (var stream = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(stream, value, type);
            stream.Flush(flushToDisk: true);
        }
        File.Move(path + ".new", path, overwrite: true);
        ProcessDirectory.Sync(Directory);
    }
}
