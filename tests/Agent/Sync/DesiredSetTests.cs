using CsCheck;
using Monolith.Agent.Ledger;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Sync;

public sealed class DesiredSetTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("desired").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private enum Act
    {
        Upsert,
        Remove,
        LeaveOut,
        Left,
    }

    private static DesiredChange Change(string key, Act act, ulong generation) => act == Act.Upsert
        ? new DesiredChange(key, new DesiredItem(key, generation, new Vm { Id = key, Generation = generation }), true)
        : new DesiredChange(key, null, act == Act.Remove);

    private static (string Wanted, string Leaving) Sight(DesiredSet set) => (
        string.Join(' ', set.Snapshot().Select(i => $"{i.Key}:{i.Generation}").Order(StringComparer.Ordinal)),
        string.Join(' ', set.Leaving.Select(k => $"{k}:{set.IsOrderedToLeave(k)}").Order(StringComparer.Ordinal)));

    private static readonly Gen<(int Key, Act Act)[][]> Batches =
        Gen.Select(Gen.Int[0, 2], Gen.Enum<Act>()).Array[1, 4].Array[1, 8];

    /// <summary>
    /// What is wanted and what leaves is the same after a restart; only what has left may leave once more.
    /// </summary>
    [Fact]
    public void Restart_AtAnyPoint_KnowsWhatLeaves() => Batches.Sample(
        batches =>
        {
            var path = Path.Combine(directory, Guid.NewGuid().ToString());
            var left = new HashSet<string>();
            string wanted, leaving;
            using (var ledger = FileLedger.Open(path))
            {
                var set = new DesiredSet(VmConcern.Instance, ledger);
                Play(set, batches, left);
                (wanted, leaving) = Sight(set);
            }

            using var again = FileLedger.Open(path);
            var reborn = new DesiredSet(VmConcern.Instance, again);
            foreach (var key in left) reborn.Left(key);
            Assert.Equal((wanted, leaving), Sight(reborn));
        },
        iter: 300);

    /// <summary>
    /// A commit that a power loss tears: what was held is wanted or leaves, and is never just forgotten.
    /// </summary>
    [Fact]
    public void TornCommit_ForgetsNothing() => Gen.Select(Batches, Gen.Double[0, 1]).Sample(
        (batches, where) =>
        {
            var path = Path.Combine(directory, Guid.NewGuid().ToString());
            HashSet<string> held;
            long before;
            using (var ledger = FileLedger.Open(path))
            {
                var set = new DesiredSet(VmConcern.Instance, ledger);
                Play(set, batches, []);
                held = [.. set.Keys, .. set.Leaving];
                before = new FileInfo(path).Length;
                set.Apply([.. held.Select(k => Change(k, k == "k0" ? Act.Upsert : Act.Remove, 99))]);
            }

            using (var file = File.OpenWrite(path)) file.SetLength(before + (long)((file.Length - before) * where));
            using var torn = FileLedger.Open(path);
            var reborn = new DesiredSet(VmConcern.Instance, torn);
            Assert.Empty(held.Except([.. reborn.Keys, .. reborn.Leaving]));
            Assert.Empty(reborn.Keys.Intersect(reborn.Leaving));
        },
        iter: 300);

    [Fact]
    public void Left_OfWhatIsWantedAgain_IsNotTrue()
    {
        var set = new DesiredSet(VmConcern.Instance, new MemoryLedger());
        set.Apply([Change("a", Act.Upsert, 1)]);
        set.Apply([Change("a", Act.Remove, 0)]);
        set.Apply([Change("a", Act.Upsert, 2)]);
        Assert.False(set.Left("a"));
        set.Apply([Change("a", Act.Remove, 0)]);
        Assert.True(set.Left("a"));
        Assert.False(set.Left("a"));
        Assert.True(set.IsEmpty);
    }

    private static void Play(DesiredSet set, (int Key, Act Act)[][] batches, HashSet<string> left)
    {
        ulong generation = 0;
        foreach (var batch in batches)
        {
            set.Apply([.. batch.Where(b => b.Act != Act.Left).Select(b =>
            {
                left.Remove($"k{b.Key}");
                return Change($"k{b.Key}", b.Act, ++generation);
            })]);
            foreach (var (key, act) in batch)
                if (act == Act.Left && set.Left($"k{key}")) left.Add($"k{key}");
        }
    }
}
