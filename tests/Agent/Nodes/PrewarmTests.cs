using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Emulated;
using Monolith.Agent.Images;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Sync;
using Monolith.Agent.V1;
using State = Monolith.Agent.V1.ImageStatus.Types.State;

namespace Monolith.Agent.Tests.Nodes;

/// <summary>A whole agent has images here that no vm needs yet, and says how far it is.</summary>
public sealed class PrewarmTests : IAsyncDisposable
{
    private static readonly string A = new('a', 64), B = new('b', 64);

    private readonly MemoryHost host = new();
    private readonly EmulatedDisk disk = new();
    private readonly EmulatedNode node = new(Emulation.Instant, TimeProvider.System);
    private readonly Scripted images = new();
    private CancellationTokenSource stop = new();
    private Task? run;

    private void Run()
    {
        stop = new CancellationTokenSource();
        run = new AgentProcess(
            new AgentOptions
            {
                Node = "hv1", BootId = "boot-1", InMemory = disk.Open,
                Sync = new SyncOptions { ReconnectFirst = TimeSpan.FromMilliseconds(20) },
                Policy = new VmPolicy
                {
                    RetryFirst = TimeSpan.FromMilliseconds(5), RetryCap = TimeSpan.FromMilliseconds(20),
                    ResyncEvery = TimeSpan.FromMilliseconds(50), PrewarmSpread = TimeSpan.FromMilliseconds(5),
                    PrewarmProgress = TimeSpan.Zero,
                },
            },
            node.Drivers with { Images = images }, () => host, TimeProvider.System, NullLoggerFactory.Instance)
            .RunAsync(stop.Token);
    }

    private async Task KillAsync()
    {
        await stop.CancelAsync();
        if (run is not null) await run.ContinueWith(_ => { });
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private static WantedImages Wish(params string[] sha256) => new()
    {
        Images = { sha256.Select(s => new WantedImage { Sha256 = s, SizeBytes = 1 << 20, Format = "raw" }) },
    };

    private string Said() => host.ImageStatuses is not { } said
        ? "nothing"
        : string.Join(' ', said.Images.Select(i => $"{i.Sha256[0]}:{i.State}"));

    private Task Until(string said) => host.UntilAsync(() => Said() == said, $"it says '{said}'");

    [Fact]
    public async Task Wanted_IsFetched_Kept_AndTold_AlsoOfWhatComesLater_AndDropped()
    {
        host.Want(Wish(A));
        Run();
        await Until("a:Holding");
        host.Want(Wish(A, B));
        await Until("a:Holding b:Holding");
        Assert.Equal([A, B], images.Kept);
        host.Want(Wish(B));
        await Until("b:Holding");
        Assert.Equal([B], images.Kept);
        host.Want(Wish());
        await Until("");
        Assert.Empty(images.Kept);
        Assert.Equal([A, B], images.Fetched);
    }

    [Fact]
    public async Task AHostThatNeverWantedAny_HearsNothingOfIt()
    {
        Run();
        host.Want(Wishes.Port(1));
        host.Want(Wishes.Vm(1));
        await host.UntilAsync(() => host.VmStatuses.Values.Any(s => s.Answers), "a vm runs");
        host.CutStreams();
        host.Want(Wishes.Vm(1, 2, Vm.Types.Power.Stopped));
        await host.UntilAsync(() => host.VmStatuses.Values.Any(s => s is { Generation: 2, State: VmStatus.Types.State.Stopped }), "it stops");
        Assert.Null(host.ImageStatuses);
        Assert.DoesNotContain(host.Received, m => m is SyncVmsRequest { KindCase: SyncVmsRequest.KindOneofCase.None });
    }

    [Fact]
    public async Task ANewConnection_AndANewAgent_AreToldAnew_AndSayWhatIsHere_WithoutFetchingAgain()
    {
        host.Want(Wish(A));
        Run();
        await Until("a:Holding");
        host.ImageStatuses = null;
        host.CutStreams();
        await Until("a:Holding");
        await KillAsync();
        host.CutStreams();
        host.ImageStatuses = null;
        Run();
        await Until("a:Holding");
        Assert.Equal([A], images.Fetched);
    }

    /// <summary>A wish that ended while the agent was away is over, though nobody said so.</summary>
    [Fact]
    public async Task WhatIsNotWantedAnyMore_AfterAConnectionWasLost_IsLetGo()
    {
        host.Want(Wish(A));
        Run();
        await Until("a:Holding");
        host.Refusing = true;
        host.CutStreams();
        host.Want(new WantedImages());
        host.Refusing = false;
        await Until("");
        Assert.Empty(images.Kept);
    }

    [Fact]
    public async Task AFailure_IsForgivenAFewTimes_ThenTold_AndIsOverWhenItIs()
    {
        images.Fault = new ImageException(ImageFailure.FetchFailed, "the host is away");
        host.Want(Wish(A));
        Run();
        await host.UntilAsync(() => host.ImageStatuses is { Images: [{ State: State.Waiting, Message: "the host is away" }] }, "the first failure");
        await host.UntilAsync(() => host.ImageStatuses is
        {
            Images: [{ State: State.Failed, Message: "the host is away", Reason.Length: > 0 }],
        }, "the last");
        Assert.True(images.Tries > 3, $"{images.Tries} tries");
        images.Fault = null;
        await Until("a:Holding");
        Assert.Equal(("", ""), (host.ImageStatuses!.Images[0].Reason, host.ImageStatuses.Images[0].Message));
    }

    [Fact]
    public async Task NoRoom_IsToldAtOnce_AndTheNextIsFetchedAllTheSame()
    {
        images.NoRoomFor = A;
        host.Want(Wish(A, B));
        Run();
        await Until("a:Failed b:Holding");
        Assert.Equal("NO_ROOM", host.ImageStatuses!.Images[0].Reason);
        images.NoRoomFor = "";
        await Until("a:Holding b:Holding");
    }

    [Fact]
    public async Task WhatTheCacheGaveUp_IsFetchedAgain()
    {
        host.Want(Wish(A));
        Run();
        await Until("a:Holding");
        images.Lose(A);
        await host.UntilAsync(() => images.Fetched.Count == 2, "it is here again");
        await Until("a:Holding");
    }

    /// <summary>A fetch that nobody wants any more ends at once.</summary>
    [Fact]
    public async Task AWishThatEndsWhileItIsFetched_EndsTheFetch()
    {
        images.Stuck = true;
        host.Want(Wish(A));
        Run();
        await host.UntilAsync(() => host.ImageStatuses is { Images: [{ State: State.Fetching, BytesDone: 1000 }] }, "it fetches");
        images.Stuck = false;
        host.Want(Wish(B));
        await Until("b:Holding");
        Assert.Equal([B], images.Fetched);
    }

    /// <summary>A cache in memory that does what a test says.</summary>
    private sealed class Scripted : IImages
    {
        private readonly Lock gate = new();
        private readonly HashSet<string> here = [];
        private readonly List<string> fetched = [];
        private IReadOnlyList<string> kept = [];

        public volatile ImageException? Fault;
        public volatile string NoRoomFor = "";
        public volatile bool Stuck;
        public volatile int Tries;

        public IReadOnlyList<string> Kept => Volatile.Read(ref kept);

        public IReadOnlyList<string> Fetched
        {
            get
            {
                lock (gate) return [.. fetched];
            }
        }

        public void Lose(string sha256)
        {
            lock (gate) here.Remove(sha256);
        }

        public Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation) =>
            Task.FromResult(image.Sha256);

        public void Keep(IReadOnlyList<VmImage> wanted) => Volatile.Write(ref kept, [.. wanted.Select(i => i.Sha256)]);

        public bool Holds(VmImage image)
        {
            lock (gate) return here.Contains(image.Sha256);
        }

        public async Task FetchAheadAsync(
            VmImage image, Func<IReadOnlySet<ImageDigest>> inUse, IProgress<long>? progress, CancellationToken cancellation)
        {
            Interlocked.Increment(ref Tries);
            inUse();
            if (image.Sha256 == NoRoomFor) throw new ImageException(ImageFailure.NoRoom, "the cache is full");
            if (Fault is { } fault) throw fault;
            progress?.Report(1000);
            if (Stuck) await Task.Delay(Timeout.Infinite, cancellation);
            lock (gate)
            {
                here.Add(image.Sha256);
                fetched.Add(image.Sha256);
            }
        }

        public void RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse) => inUse();
    }
}
