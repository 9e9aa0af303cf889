using System.Globalization;

namespace Monolith.Agent.Cgroups;

/// <summary>One hierarchy for each controller (cgroups(7), version 1).</summary>
internal sealed class CgroupV1 : CgroupTree
{
    private const long PeriodMicroseconds = 100_000;
    private readonly string cpu;
    private readonly string memory;
    private readonly string tasks;

    private CgroupV1(string cpu, string memory, string tasks) =>
        (this.cpu, this.memory, this.tasks) = (cpu, memory, tasks);

    public override int Version => 1;

    public static CgroupV1 Open(string name, IReadOnlyList<CgroupMount> mounts)
    {
        string Root(string controller) =>
            mounts.FirstOrDefault(m => m.Version == 1 && m.Options.Contains(controller)) is { } mount
                ? Path.Combine(mount.Path, name)
                : throw new IOException($"no version 1 hierarchy has the {controller} controller");
        return new CgroupV1(Root("cpu"), Root("memory"), Root("pids"));
    }

    public override void Ensure(string group, CgroupLimits limits)
    {
        var cpu = Directory.CreateDirectory(Path.Combine(this.cpu, group)).FullName;
        Write(cpu, "cpu.shares", limits.CpuWeight * 1024L / 100);
        Write(cpu, "cpu.cfs_period_us", PeriodMicroseconds);
        Write(cpu, "cpu.cfs_quota_us", limits.CpuMax * PeriodMicroseconds);
        var memory = Directory.CreateDirectory(Path.Combine(this.memory, group)).FullName;
        Write(memory, "memory.limit_in_bytes", limits.MemoryBytes);
        var tasks = Directory.CreateDirectory(Path.Combine(this.tasks, group)).FullName;
        Write(tasks, "pids.max", limits.Tasks);
    }

    public override void Place(string group, int pid)
    {
        foreach (var root in Roots) Write(Path.Combine(root, group), "cgroup.procs", pid);
    }

    public override long OutOfMemoryKills(string group) =>
        ReadKey(Path.Combine(memory, group, "memory.oom_control"), "oom_kill");

    public override bool Remove(string group)
    {
        var removed = true;
        foreach (var root in Roots) removed &= RemoveDirectory(Path.Combine(root, group));
        return removed;
    }

    public override void Close()
    {
        foreach (var root in Roots) RemoveDirectory(root);
    }

    private IEnumerable<string> Roots => [cpu, memory, tasks];
}
