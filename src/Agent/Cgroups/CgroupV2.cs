using System.Globalization;

namespace Monolith.Agent.Cgroups;

/// <summary>One hierarchy for all controllers (cgroups(7), version 2).</summary>
internal sealed class CgroupV2 : CgroupTree
{
    private static readonly string[] Controllers = ["cpu", "memory", "pids"];
    private readonly string mount;
    private readonly string root;

    private CgroupV2(string mount, string root) => (this.mount, this.root) = (mount, root);

    public override int Version => 2;

    public static CgroupV2 Open(string name, IReadOnlyList<CgroupMount> mounts)
    {
        var mount = mounts.FirstOrDefault(m => m.Version == 2)
            ?? throw new IOException("no version 2 hierarchy is mounted");
        var offered = File.ReadAllText(Path.Combine(mount.Path, "cgroup.controllers")).Split([' ', '\n']);
        foreach (var controller in Controllers)
            if (!offered.Contains(controller))
                throw new IOException($"the version 2 hierarchy does not have the {controller} controller");
        return new CgroupV2(mount.Path, Path.Combine(mount.Path, name));
    }

    /// <summary>A group gets files only for the controllers that each level above it passes down.</summary>
    private void PassDown()
    {
        Directory.CreateDirectory(root);
        var enable = string.Join(' ', Controllers.Select(c => $"+{c}"));
        Write(mount, "cgroup.subtree_control", enable);
        Write(root, "cgroup.subtree_control", enable);
    }

    public override void Ensure(string group, CgroupLimits limits)
    {
        PassDown();
        var path = Directory.CreateDirectory(Path.Combine(root, group)).FullName;
        Write(path, "cpu.weight", limits.CpuWeight);
        Write(path, "cpu.max", string.Create(CultureInfo.InvariantCulture, $"{limits.CpuMax * 100_000L} 100000"));
        Write(path, "memory.max", limits.MemoryBytes);
        Write(path, "pids.max", limits.Tasks);
    }

    public override void Place(string group, int pid) => Write(Path.Combine(root, group), "cgroup.procs", pid);

    public override long OutOfMemoryKills(string group) =>
        ReadKey(Path.Combine(root, group, "memory.events"), "oom_kill");

    public override bool Remove(string group) => RemoveDirectory(Path.Combine(root, group));

    public override void Close() => RemoveDirectory(root);
}
