using CsCheck;
using Monolith.Agent.Ledger;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Sync;

public class SyncSessionTests
{
    private sealed record Act(int Kind, int Item, int CutAfter);

    private static readonly Gen<Act> Acts = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[0, 8])
        .Select(t => new Act(t.Item1, t.Item2, t.Item3));

    /// <summary>Whatever was cut wherever: after one whole snapshot the agent holds what the host wants.</summary>
    [Fact]
    public void Held_AfterAnyDisconnects_ConvergesToTheHosts() =>
        Acts.List[0, 40].Sample(acts =>
        {
            var host = new FakeHost();
            var desired = new DesiredSet(VmConcern.Instance, new MemoryLedger());
            var stream = new List<Downlink>();
            SyncSession? session = null;
            var next = 0;
            ulong generation = 0;
            foreach (var act in acts)
            {
                switch (act.Kind)
                {
                    case 0:
                        host.Wanted[$"vm{act.Item}"] = ++generation;
                        if (session is not null) stream.Add(FakeHost.Upsert($"vm{act.Item}", generation));
                        break;
                    case 1:
                        host.Wanted.Remove($"vm{act.Item}");
                        if (session is not null) stream.Add(new Downlink.Remove($"vm{act.Item}"));
                        break;
                    case 2:
                        (session, next) = (new SyncSession(), 0);
                        stream = host.Greet(new Hello { DesiredDigest = desired.ComputeDigest() });
                        break;
                    default:
                        for (var i = 0; i < act.CutAfter && next < stream.Count; i++)
                            desired.Apply(session!.Receive(stream[next++], () => desired.Keys));
                        break;
                }
            }

            var last = new SyncSession();
            foreach (var message in host.Greet(new Hello { DesiredDigest = desired.ComputeDigest() }))
                desired.Apply(last.Receive(message, () => desired.Keys));
            Assert.True(last.InSync);
            Assert.Equal(host.Wanted, desired.Snapshot().ToDictionary(i => i.Key, i => i.Generation));
        });

    [Fact]
    public void Receive_CutBeforeInSync_DropsNothing()
    {
        var session = new SyncSession();
        var changes = session.Receive(FakeHost.Upsert("a", 1), () => ["b"]);
        Assert.False(session.InSync);
        Assert.Equal(["a"], changes.Select(c => c.Key));
    }

    [Fact]
    public void Receive_InSync_DropsWhatWasNotSent()
    {
        var session = new SyncSession();
        session.Receive(FakeHost.Upsert("a", 1), () => []);
        var changes = session.Receive(new Downlink.InSync(false, true), () => ["a", "b"]);
        Assert.Equal([new DesiredChange("b", null, Explicit: false)], changes);
        Assert.True(session.SendStatuses);
    }

    [Fact]
    public void Receive_InSyncUnchanged_KeepsAll() =>
        Assert.Empty(new SyncSession().Receive(new Downlink.InSync(true, false), () => ["a", "b"]));

    [Fact]
    public void Digest_IsThatOfTheProtocol()
    {
        // printf 'a:1\nb:2\n' | sha256sum
        var digest = Digest.Of([KeyValuePair.Create("b", "2"), KeyValuePair.Create("a", "1")]);
        Assert.Equal("6408fdc5c36df5df57957e7b230e4b48c55b06ce849303e855d52f1356f2980e", digest);
    }
}
