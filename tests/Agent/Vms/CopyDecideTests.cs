using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

public sealed class CopyDecideTests
{
    private const long Room = 100L << 30, Needed = 1 << 30;

    private static CopyDecision Decide(DiskJob? job = null, bool source = true, bool target = false, long free = Room) =>
        CopyDecide.Decide(new CopyFacts(source, job, target, free), Needed);

    [Fact]
    public void ACopy_NeedsAQemu_ThenAFile_ThenTime()
    {
        Assert.IsType<CopyDecision.OpenSource>(Decide(source: false));
        Assert.IsType<CopyDecision.Begin>(Decide());
        Assert.IsType<CopyDecision.CloseTarget>(Decide(target: true));
        Assert.IsType<CopyDecision.Wait>(Decide(new DiskJob("running", 1, 2), target: true));
        Assert.IsType<CopyDecision.Conclude>(Decide(new DiskJob("concluded", 2, 2), target: true));
    }

    /// <summary>The guests' own writes come first: it is not begun, and given up, while there is room for those.</summary>
    [Fact]
    public void WithoutRoom_ItIsNotBegun_AndNotGoneOnWith()
    {
        Assert.Equal("HYPERVISOR_DISK_FULL", Failure(Decide(free: Needed + CopyDecide.ReserveBytes - 1)));
        Assert.IsType<CopyDecision.Wait>(Decide(new DiskJob("running", 1, 2), free: CopyDecide.ReserveBytes));
        Assert.Equal("HYPERVISOR_DISK_FULL", Failure(Decide(new DiskJob("running", 1, 2), free: CopyDecide.ReserveBytes - 1)));
        Assert.Equal("HYPERVISOR_DISK_FULL", Failure(Decide(new DiskJob("concluded", 1, 2, "No space left on device"))));
        Assert.Equal("COPY_FAILED", Failure(Decide(new DiskJob("concluded", 1, 2, "Input/output error"))));
        // What is whole is whole.
        Assert.IsType<CopyDecision.Conclude>(Decide(new DiskJob("concluded", 2, 2), free: 0));
    }

    private static string Failure(CopyDecision decision) => Assert.IsType<CopyDecision.Fail>(decision).Reason;
}
