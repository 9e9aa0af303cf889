using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Vms;

/// <summary>What is done next for a guest that is sent, from what QEMU says and what was written down.</summary>
public sealed class SendDecideTests
{
    [Theory]
    [InlineData("CopyingDisk", "running", "", "", false, "CopyDisk")]
    [InlineData("CopyingDisk", "running", "", "", true, "GiveUp")]
    [InlineData("CopyingDisk", "running", "", "running", true, "Wait")]
    [InlineData("CopyingDisk", "running", "", "ready", true, "CopyMemory")]
    [InlineData("CopyingDisk", "running", "", "concluded", true, "GiveUp")]
    // A migration of before is none of this one's.
    [InlineData("CopyingDisk", "running", "failed", "ready", true, "CopyMemory")]
    [InlineData("CopyingDisk", "running", "completed", "ready", true, "CopyMemory")]
    [InlineData("CopyingMemory", "running", "active", "ready", true, "Wait")]
    [InlineData("CopyingMemory", "running", "active", "concluded", true, "GiveUp")]
    [InlineData("CopyingMemory", "running", "failed", "ready", true, "GiveUp")]
    [InlineData("CopyingMemory", "running", "cancelled", "ready", true, "GiveUp")]
    // The agent died between writing it down and telling QEMU.
    [InlineData("CopyingMemory", "running", "", "ready", true, "GiveUp")]
    [InlineData("CopyingMemory", "finish-migrate", "pre-switchover", "ready", true, "EndDisk")]
    [InlineData("CopyingMemory", "finish-migrate", "pre-switchover", "pending", true, "Wait")]
    [InlineData("CopyingMemory", "finish-migrate", "pre-switchover", "concluded", true, "CloseDisk")]
    [InlineData("CopyingMemory", "finish-migrate", "pre-switchover", "", true, "CloseDisk")]
    [InlineData("CopyingMemory", "finish-migrate", "pre-switchover", "", false, "Switch")]
    [InlineData("Switching", "finish-migrate", "pre-switchover", "", false, "Switch")]
    [InlineData("Switching", "finish-migrate", "device", "", false, "Wait")]
    [InlineData("Switching", "running", "failed", "", false, "GiveUp")]
    [InlineData("Switching", "postmigrate", "completed", "", false, "Leave")]
    [InlineData("CopyingMemory", "postmigrate", "completed", "", false, "Leave")]
    public void Sent(string phase, string run, string memory, string job, bool connected, string expected) =>
        Assert.Equal(expected, Decide(phase, run, memory, job, connected, giving: false));

    [Theory]
    [InlineData("CopyingDisk", "running", "", "", false, "Stay")]
    [InlineData("CopyingDisk", "running", "", "running", true, "CancelDisk")]
    [InlineData("CopyingDisk", "running", "", "aborting", true, "Wait")]
    [InlineData("CopyingDisk", "running", "", "concluded", true, "CloseDisk")]
    [InlineData("CopyingMemory", "running", "active", "ready", true, "CancelMemory")]
    [InlineData("CopyingMemory", "finish-migrate", "pre-switchover", "ready", true, "CancelMemory")]
    [InlineData("CopyingMemory", "running", "cancelling", "ready", true, "Wait")]
    [InlineData("CopyingMemory", "running", "cancelled", "ready", true, "CancelDisk")]
    [InlineData("CopyingMemory", "running", "cancelled", "", false, "Stay")]
    // Too late: whatever was wished, the guest is the target's.
    [InlineData("CopyingMemory", "finish-migrate", "device", "", false, "Wait")]
    [InlineData("Switching", "finish-migrate", "device", "", false, "Wait")]
    [InlineData("Switching", "finish-migrate", "pre-switchover", "", false, "Switch")]
    [InlineData("Switching", "postmigrate", "completed", "", false, "Leave")]
    public void GivenUp(string phase, string run, string memory, string job, bool connected, string expected) =>
        Assert.Equal(expected, Decide(phase, run, memory, job, connected, giving: true));

    private static string Decide(string phase, string run, string memory, string job, bool connected, bool giving) =>
        SendDecide.Decide(
            new VmMigration("m", Enum.Parse<MigrationPhase>(phase), Giving: giving),
            new SendFacts(run, memory, "", job.Length == 0 ? null : new DiskJob(job, 0, 0), connected)).GetType().Name;
}
