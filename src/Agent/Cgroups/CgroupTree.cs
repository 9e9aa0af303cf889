using System.Globalization;

namespace Monolith.Agent.Cgroups;

/// <summary>What a group may use.</summary>
/// <param name="CpuWeight">Share beside other groups when the CPU is short: 1 to 10,000, 100 is one ordinary
/// share.</param>
/// <param name="CpuMax">Whole CPUs that it may keep busy.</param>
/// <param name="MemoryBytes">Above it the kernel reclaims, then kills in the group.</param>
/// <param name="Tasks">Threads.</param>
internal sealed record CgroupLimits(int CpuWeight, int CpuMax, long MemoryBytes, int Tasks);

/// <summary>
/// Control groups of our processes, one flat level under one name. Limits are a courtesy to neighbours: where the
/// kernel or our rights do not give them, <see cref="Version"/> is 0, the cause is said, and everything else works.
/// <code>
///   v1: MOUNT(cpu)/NAME/GROUP  MOUNT(memory)/NAME/GROUP  MOUNT(pids)/NAME/GROUP
///   v2: MOUNT/NAME/GROUP
/// </code>
/// </summary>
internal abstract class CgroupTree
{
    public abstract int Version { get; }

    /// <summary>Why there are no groups; empty when there are.</summary>
    public virtual string Cause => "";

    /// <summary>Makes the group and sets its limits. May be repeated.</summary>
    public abstract void Ensure(string group, CgroupLimits limits);

    /// <summary>Moves a whole process into the group.</summary>
    public abstract void Place(string group, int pid);

    /// <summary>How many of the group's processes the kernel killed because the group's memory was used up.</summary>
    public abstract long OutOfMemoryKills(string group);

    /// <returns>False while processes are still in it.</returns>
    public abstract bool Remove(string group);

    /// <summary>Removes the name above the groups when none is left. The tree may be used again.</summary>
    public abstract void Close();

    /// <summary>Tries what it would use; v2 first.</summary>
    public static CgroupTree Probe(string name) => Probe(name, File.ReadAllText("/proc/self/mounts"));

    internal static CgroupTree Probe(string name, string mountTable)
    {
        var causes = new List<string>();
        var mounts = CgroupMount.Parse(mountTable);
        foreach (var make in new Func<CgroupTree>[] { () => CgroupV2.Open(name, mounts),
            () => CgroupV1.Open(name, mounts) })
        {
            try
            {
                var tree = make();
                var probe = string.Create(CultureInfo.InvariantCulture, $"probe-{Environment.ProcessId}");
                tree.Ensure(probe, new CgroupLimits(100, 1, 64 << 20, 64));
                tree.Remove(probe);
                return tree;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                causes.Add(e.Message);
            }
        }
        return new NoCgroups(string.Join("; ", causes));
    }

    protected static void Write(string directory, string file, string value)
    {
        try
        {
            // Control files take one write and cannot be truncated or made.
            using var stream = new FileStream(
                Path.Combine(directory, file), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
            stream.Write(System.Text.Encoding.ASCII.GetBytes(value));
        }
        catch (IOException e)
        {
            throw new IOException($"cannot write {value} to {file} of {directory}: {e.Message}", e);
        }
    }

    protected static void Write(string directory, string file, long value) =>
        Write(directory, file, value.ToString(CultureInfo.InvariantCulture));

    protected static bool RemoveDirectory(string path)
    {
        try
        {
            // Not recursive: the files in it are the kernel's.
            Directory.Delete(path, recursive: false);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>
    /// The number after a key in a file of "key number" lines; 0 when there is none. Pure but for the read.
    /// </summary>
    protected static long ReadKey(string path, string key)
    {
        try
        {
            foreach (var line in File.ReadLines(path))
                if (line.StartsWith(key, StringComparison.Ordinal) && line.Length > key.Length
                    && line[key.Length] == ' '
                    && long.TryParse(
                        line.AsSpan(key.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var n))
                    return n;
        }
        catch (IOException)
        {
            // The group is gone.
        }
        return 0;
    }
}

/// <summary>One line of /proc/self/mounts that is a control group file system.</summary>
internal sealed record CgroupMount(string Path, int Version, IReadOnlyList<string> Options)
{
    public static List<CgroupMount> Parse(string table)
    {
        var mounts = new List<CgroupMount>();
        foreach (var line in table.Split('\n'))
        {
            var fields = line.Split(' ');
            if (fields.Length < 4 || fields[2] is not ("cgroup" or "cgroup2")) continue;
            mounts.Add(new CgroupMount(fields[1], fields[2] == "cgroup" ? 1 : 2, fields[3].Split(',')));
        }
        return mounts;
    }
}

/// <summary>No groups here.</summary>
internal sealed class NoCgroups(string cause) : CgroupTree
{
    public override int Version => 0;

    public override string Cause => cause;

    public override void Ensure(string group, CgroupLimits limits)
    {
    }

    public override void Place(string group, int pid)
    {
    }

    public override long OutOfMemoryKills(string group) => 0;

    public override bool Remove(string group) => true;

    public override void Close()
    {
    }
}
