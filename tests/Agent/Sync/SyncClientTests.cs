using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Monolith.Agent.Ledger;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Sync;

public class SyncClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>A client, its host, and streams that the test cuts.</summary>
    private sealed class Bench : IAsyncDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Task run;
        private readonly Lock gate = new();

        /// <param name="cutAfter">The hello and messages that get through, by the number of the call.</param>
        /// <param name="wanted">What the host wants from the beginning.</param>
        public Bench(Func<int, int>? cutAfter = null, bool silent = false, params string[] wanted)
        {
            Silent = silent;
            foreach (var item in wanted) Host.Wanted[item] = 1;
            var concern = new FakeConcern(hello => OpenCall(hello, cutAfter));
            Desired = new DesiredSet(concern, new MemoryLedger());
            Board = new StatusBoard(concern);
            Client = new SyncClient(
                concern, Desired, Board, () => null!, () => new Hello { AgentVersion = "t" },
                new SyncOptions { SnapshotDeadline = TimeSpan.FromSeconds(5) }, Time, new Random(
                    1), NullLogger.Instance);
            Client.BecameInSync += () => InSync.Release();
            run = Client.RunAsync(stop.Token);
        }

        public FakeTimeProvider Time { get; } = new() { AutoAdvanceAmount = TimeSpan.Zero };
        public FakeHost Host { get; } = new();
        public DesiredSet Desired { get; }
        public StatusBoard Board { get; }
        public SyncClient Client { get; }
        public SemaphoreSlim InSync { get; } = new(0);
        public SemaphoreSlim StatusArrived { get; } = new(0);
        public ConcurrentQueue<Uplink> Uplinks { get; } = new();
        public ConcurrentQueue<Downlink> Greetings { get; } = new();
        public BlockingCollection<FakeCall> Calls { get; } = [];
        public bool Silent { get; set; }

        private FakeCall OpenCall(Hello hello, Func<int, int>? cutAfter)
        {
            FakeCall? call = null;
            var left = cutAfter?.Invoke(Calls.Count) ?? int.MaxValue;
            call = new FakeCall(message => OnUplink(message, ref left, call!));
            if (!IsCut(ref left, call)) Greet(hello, call);
            Calls.Add(call);
            return call;
        }

        private void Greet(Hello hello, FakeCall call)
        {
            if (Silent) return;
            lock (gate)
                foreach (var answer in Host.Greet(hello))
                {
                    Greetings.Enqueue(answer);
                    call.Push(answer);
                }
        }

        private void OnUplink(Uplink message, ref int left, FakeCall call)
        {
            if (IsCut(ref left, call)) return;
            Uplinks.Enqueue(message);
            if (message is not Uplink.Status { Body: VmStatus status }) return;
            lock (gate) Host.Statuses[status.Id] = status.ReportDigest;
            StatusArrived.Release();
        }

        private static bool IsCut(ref int left, FakeCall call)
        {
            if (left-- > 0) return false;
            call.End(new RpcException(new Status(StatusCode.Unavailable, "cut")));
            return true;
        }

        /// <summary>Lets the client's wait before reconnecting pass, until a stream is in sync.</summary>
        public async Task NextInSyncAsync()
        {
            using var patience = new CancellationTokenSource(Patience);
            while (!await InSync.WaitAsync(20, patience.Token)) Time.Advance(TimeSpan.FromSeconds(11));
        }

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await run.WaitAsync(Patience);
        }
    }

    [Fact]
    public async Task Reconnect_WhereNothingChanged_CostsOneMessage()
    {
        await using var bench = new Bench(wanted: "a");
        await bench.NextInSyncAsync();
        bench.Board.Set("a", new VmStatus { Id = "a", Generation = 1, State = VmStatus.Types.State.Running });
        Assert.True(await bench.StatusArrived.WaitAsync(Patience));
        while (bench.Calls.TryTake(out var call)) call.End();
        bench.Uplinks.Clear();
        bench.Greetings.Clear();
        await bench.NextInSyncAsync();
        Assert.IsType<Downlink.InSync>(Assert.Single(bench.Greetings));
        Assert.Empty(bench.Uplinks);
    }

    [Fact]
    public async Task Statuses_CutAnywhere_ReachTheHost()
    {
        for (var cut = 0; cut < 6; cut++)
        {
            var cuts = cut;
            await using var bench = new Bench(call => call == 0 ? cuts : int.MaxValue);
            for (var i = 0; i < 4; i++)
                bench.Board.Set($"v{i}", new VmStatus { Id = $"v{i}", State = VmStatus.Types.State.Running });
            var digest = Digest.Of(bench.Board.Snapshot().Cast<VmStatus>()
                .Select(s => KeyValuePair.Create(s.Id, s.ReportDigest)));
            for (var round = 0; Digest.Of(bench.Host.Statuses) != digest; round++)
            {
                Assert.True(round < 1000, $"statuses did not arrive with the first stream cut after {cut} messages");
                bench.Time.Advance(TimeSpan.FromSeconds(11));
                await bench.StatusArrived.WaitAsync(20);
            }
        }
    }

    [Fact]
    public async Task SilentHost_IsLeftAfterTheDeadline()
    {
        await using var bench = new Bench(silent: true);
        bench.Calls.TryTake(out _, Patience);
        bench.Silent = false;
        await bench.NextInSyncAsync();
        Assert.Contains("no complete snapshot", bench.Client.State.LastFault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Delta_IsDurableBeforeItIsSeen()
    {
        await using var bench = new Bench();
        var seen = new TaskCompletionSource<DesiredItem?>();
        bench.Client.Changed += changes => seen.TrySetResult(bench.Desired.Find(changes[^1].Key));
        await bench.NextInSyncAsync();
        Assert.True(bench.Calls.TryTake(out var call, Patience));
        call.Push(FakeHost.Upsert("z", 7));
        Assert.Equal(7UL, (await seen.Task.WaitAsync(Patience))?.Generation);
    }

    [Fact]
    public void Backoff_StaysWithinItsBounds()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(10));
        for (var attempt = 0; attempt < 100; attempt++)
        {
            Assert.InRange(backoff.After(attempt, 0).TotalMilliseconds, 62, 2501);
            Assert.InRange(backoff.After(attempt, 0.999).TotalMilliseconds, 240, 10000);
        }
    }
}
