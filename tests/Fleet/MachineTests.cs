using Monolith.Fleet.Hosts;
using Monolith.Fleet.Load;

namespace Monolith.Fleet.Tests;

public sealed class MachineTests
{
    [Fact]
    public void WhatTheKernelTells_IsRead()
    {
        Assert.Equal("EPYC 9", Machine.ModelOf("processor\t: 0\nmodel name\t: EPYC 9\nmodel name\t: EPYC 9\n"));
        Assert.Equal("unknown", Machine.ModelOf("processor\t: 0\n"));
        Assert.Equal(2, Machine.GibOf("MemTotal:        2097152 kB\nMemFree: 1 kB\n", "MemTotal:"));
        Assert.Equal(0.31, Machine.LoadOf("0.31 0.2 0.1 1/200 4711\n"));
        // user 100, nice 10, system 20, irq 3, softirq 4, steal 5: not idle 1000, not iowait 50.
        Assert.Equal(TimeSpan.FromSeconds(1.37), Machine.BusyOf("cpu  100 10 20 1000 50 3 4 5 6 7\ncpu0 1 1 1 1\n"));
        Assert.Equal(20_000,
            Limits.OpenFilesOf("Max processes 1 2 processes\nMax open files            1024      20000    files\n"));
        Assert.Equal(long.MaxValue, Limits.OpenFilesOf("Max open files 1024 unlimited files\n"));
        Assert.Equal(28_232, Limits.PortsOf("32768\t60999\n"));
    }

    [Fact]
    public void ThisMachine_IsRead()
    {
        var machine = Machine.Now();

        Assert.True(machine is { Cores: > 0, MemoryGib: > 0 });
        Assert.True(Machine.Busy() > TimeSpan.Zero);
        Assert.True(Limits.Now() is { OpenFiles: > 0, Ports: > 0, FreeGib: > 0 });
    }

    [Theory]
    [InlineData(20_000, 28_232, 20, 10_000, "")]
    [InlineData(1024, 28_232, 20, 1_200, "open files")]
    [InlineData(20_000, 28_232, 20, 15_000, "local ports")]
    [InlineData(20_000, 28_232, 2, 10_000, "memory")]
    public void WhatIsTooLittle_IsTold_WithWhatToDo(long files, int ports, double gib, int nodes, string told)
    {
        var violations = new Limits(files, ports, gib).Violations(nodes).ToList();

        if (told.Length == 0) Assert.Empty(violations);
        else Assert.Contains(told, Assert.Single(violations), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_AreTakenOldestFirst_AndAnyIsOneOfThem()
    {
        var alive = new Alive();
        for (var i = 0; i < 5_000; i++) alive.Add($"s{i}");

        for (var i = 0; i < 4_000; i++) Assert.Equal($"s{i}", alive.TakeOldest());

        Assert.Equal(1_000, alive.Count);
        Assert.Equal("s4010", alive.FirstOf(n => n.EndsWith("10", StringComparison.Ordinal)));
        Assert.Null(alive.FirstOf(n => n == "s3999"));
        Assert.All(Enumerable.Range(0, 100),
            i => Assert.InRange(int.Parse(alive.Any(new Random(i))![1..]), 4_000, 4_999));
    }

    [Fact]
    public void OfNoNames_NoneIsTaken()
    {
        var alive = new Alive();

        Assert.Null(alive.TakeOldest());
        Assert.Null(alive.Any(new Random(1)));
        Assert.Null(alive.FirstOf(_ => true));
    }
}
