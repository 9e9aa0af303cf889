using Monolith.Agent.Cgroups;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Tests.Vms;

namespace Monolith.Agent.Tests.Cgroups;

public sealed class CgroupTreeTests
{
    private static readonly CgroupLimits Limits = new(200, 3, 96 << 20, 64);

    [Fact]
    [Trait("Needs", "root")]
    public async Task Tree_OfThisMachine_HoldsAProcessAndGoesWithIt()
    {
        var tree = CgroupTree.Probe("monolith-test");
        Assert.True(tree.Version is 1 or 2, tree.Cause);
        using var scratch = new Scratch();
        using var process = ProcessHandle.Spawn(new ProcessPlan("/bin/sleep", ["600"], "/", scratch.In("out")));
        tree.Ensure("one", Limits);
        tree.Ensure("one", Limits);
        tree.Place("one", process.Identity.Pid);
        var groups = await File.ReadAllTextAsync($"/proc/{process.Identity.Pid}/cgroup", CancellationToken.None);
        Assert.Contains("/monolith-test/one", groups, StringComparison.Ordinal);
        Assert.False(tree.Remove("one"));
        Assert.Equal(0, tree.OutOfMemoryKills("one"));
        process.Kill();
        await process.Exited;
        Assert.True(tree.Remove("one"));
        Assert.True(tree.Remove("one"));
        tree.Close();
    }

    [Fact]
    public void Probe_NoHierarchy_SaysWhyAndDoesNothing()
    {
        var tree = CgroupTree.Probe("x", "proc /proc proc rw 0 0\n");
        Assert.Equal(0, tree.Version);
        Assert.Contains("no version 2 hierarchy is mounted", tree.Cause, StringComparison.Ordinal);
        Assert.Contains("cpu", tree.Cause, StringComparison.Ordinal);
        tree.Ensure("one", Limits);
        tree.Place("one", 1);
        Assert.True(tree.Remove("one"));
    }

    /// <summary>A directory with the kernel's file names stands in for a version 2 machine.</summary>
    [Fact]
    public void V2_Limits_AreWrittenInTheKernelsWords()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch.In("cgroup.controllers"), "cpuset cpu io memory pids\n");
        Directory.CreateDirectory(scratch.In("m", "one"));
        foreach (var file in new[] { "cgroup.subtree_control", "m/cgroup.subtree_control" }) Touch(file);
        foreach (var file in new[] { "cpu.weight", "cpu.max", "memory.max", "pids.max", "cgroup.procs" })
            Touch($"m/one/{file}");
        var tree = CgroupV2.Open("m", [new CgroupMount(scratch.Path, 2, [])]);
        tree.Ensure("one", Limits);
        tree.Place("one", 42);
        Assert.Equal("+cpu +memory +pids", Read("m/cgroup.subtree_control"));
        Assert.Equal("200", Read("m/one/cpu.weight"));
        Assert.Equal("300000 100000", Read("m/one/cpu.max"));
        Assert.Equal("100663296", Read("m/one/memory.max"));
        Assert.Equal("64", Read("m/one/pids.max"));
        Assert.Equal("42", Read("m/one/cgroup.procs"));
        File.WriteAllText(scratch.In("m", "one", "memory.events"), "low 0\noom 3\noom_kill 2\noom_group_kill 0\n");
        Assert.Equal(2, tree.OutOfMemoryKills("one"));
        Assert.Equal(0, tree.OutOfMemoryKills("none"));

        void Touch(string file) => File.WriteAllText(scratch.In(file), "");
        string Read(string file) => File.ReadAllText(scratch.In(file));
    }

    [Fact]
    public void V2_WithoutMemory_IsNotTaken()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch.In("cgroup.controllers"), "hugetlb\n");
        var refused = Assert.Throws<IOException>(() => CgroupV2.Open("m", [new CgroupMount(scratch.Path, 2, [])]));
        Assert.Contains("does not have the cpu controller", refused.Message, StringComparison.Ordinal);
    }
}
