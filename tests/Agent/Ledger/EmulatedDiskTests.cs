using Google.Protobuf;
using Monolith.Agent.Emulated;
using Monolith.Agent.Ledger;

namespace Monolith.Agent.Tests.Ledger;

public sealed class EmulatedDiskTests
{
    [Fact]
    public void TheNextAgent_FindsWhatTheLastOneCommitted()
    {
        var disk = new EmulatedDisk();
        using (var ledger = disk.Open("vms"))
        {
            Assert.Empty(ledger.Load());
            ledger.Commit([Put("a", 1), Put("b", 2)]);
            ledger.Commit([Put("a", 3), LedgerRecord.Drop("b")]);
        }

        using var next = disk.Open("vms");
        Assert.Equal([("a", 3UL)], next.Load().Select(r => (r.Key, r.Generation)));
        using var other = disk.Open("ports");
        Assert.Empty(other.Load());
        using var elsewhere = new EmulatedDisk().Open("vms");
        Assert.Empty(elsewhere.Load());
    }

    private static LedgerRecord Put(string key, ulong generation) => new(key, generation, ByteString.Empty);
}
