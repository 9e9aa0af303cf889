using CsCheck;
using Google.Protobuf;
using Monolith.Agent.Ledger;

namespace Monolith.Agent.Tests.Ledger;

public sealed class FileLedgerTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("ledger").FullName;

    private string PathOf(string name) => Path.Combine(directory, name);

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private static LedgerRecord Put(string key, ulong generation, int size = 9) =>
        new(key, generation, ByteString.CopyFrom(Enumerable.Repeat((byte)generation, size).ToArray()));

    private static Dictionary<string, ulong> Read(string path)
    {
        using var ledger = FileLedger.Open(path);
        return ledger.Load().ToDictionary(r => r.Key, r => r.Generation);
    }

    /// <summary>
    /// Cut at every byte: what is read is the set after some prefix of the records, never anything else.
    /// </summary>
    [Fact]
    public void Load_AfterACutAtEveryByte_IsAPrefix()
    {
        var records = new[] { Put("a", 1), Put("b", 2), Put("a", 3), LedgerRecord.Drop("b"), Put("c", 4, 0) };
        using (var ledger = FileLedger.Open(PathOf("whole")))
        {
            foreach (var record in records) ledger.Commit([record]);
        }

        var prefixes = new List<Dictionary<string, ulong>> { new() };
        foreach (var record in records)
        {
            var next = new Dictionary<string, ulong>(prefixes[^1]);
            if (record.Body is null) next.Remove(record.Key);
            else next[record.Key] = record.Generation;
            prefixes.Add(next);
        }

        var whole = File.ReadAllBytes(PathOf("whole"));
        var reached = 0;
        for (var cut = 0; cut <= whole.Length; cut++)
        {
            File.WriteAllBytes(PathOf("cut"), whole[..cut]);
            var read = Read(PathOf("cut"));
            var index = prefixes.FindIndex(reached, p => p.Count == read.Count && !p.Except(read).Any());
            Assert.True(index >= 0, $"cut at {cut} gave a set that never was");
            reached = index;
            using var again = FileLedger.Open(PathOf("cut"));
            again.Commit([Put("z", 9)]);
        }

        Assert.Equal(prefixes.Count - 1, reached);
        Assert.Contains("z", Read(PathOf("cut")).Keys);
    }

    /// <summary>A flipped bit costs the record and what follows, never gives a record that was not written.</summary>
    [Fact]
    public void Load_AfterAFlippedByte_IsAPrefixAndKeepsTheDamage()
    {
        using (var ledger = FileLedger.Open(PathOf("l")))
            ledger.Commit([Put("a", 1), Put("b", 2), Put("c", 3)]);
        var whole = File.ReadAllBytes(PathOf("l"));
        for (var at = 0; at < whole.Length; at++)
        {
            var bytes = whole.ToArray();
            bytes[at] ^= 0x40;
            File.WriteAllBytes(PathOf("f"), bytes);
            using var ledger = FileLedger.Open(PathOf("f"));
            Assert.Equal(new[] { "a", "b", "c" }.Take(ledger.Load().Count), ledger.Load().Select(r => r.Key));
            Assert.True(ledger.DamagedBytes > 0);
            Assert.Equal(bytes, File.ReadAllBytes(PathOf("f.damaged")));
        }
    }

    [Fact]
    public void Commit_ManyTimes_StaysSmallAndRight() =>
        Gen.Select(Gen.Int[0, 9], Gen.Bool).List[200, 400].Sample(
            edits =>
            {
                var path = PathOf(Guid.NewGuid().ToString());
                var model = new Dictionary<string, ulong>();
                ulong generation = 0;
                using (var ledger = FileLedger.Open(path))
                {
                    foreach (var (item, put) in edits)
                    {
                        var key = $"k{item}";
                        if (put) model[key] = ++generation;
                        else model.Remove(key);
                        ledger.Commit([put ? Put(key, generation, 4096) : LedgerRecord.Drop(key)]);
                    }
                }

                Assert.True(new FileInfo(path).Length < 512 * 1024);
                Assert.Equal(model.OrderBy(m => m.Key), Read(path).OrderBy(m => m.Key));
            },
            iter: 5);

    [Fact]
    public void Codec_TakesAnyBytes() =>
        Gen.Byte.Array[0, 300].Sample(bytes =>
        {
            var records = new List<LedgerRecord>();
            byte[] file = [.. LedgerCodec.Magic, .. bytes];
            Assert.InRange(LedgerCodec.Read(file, records), LedgerCodec.Magic.Length, file.Length);
        });
}
