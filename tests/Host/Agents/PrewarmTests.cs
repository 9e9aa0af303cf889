using Grpc.Core;
using Monolith.Agent;
using Monolith.Agent.Emulated;
using Monolith.Agent.Reconcile;
using Monolith.Agent.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;
using Monolith.Image.V1;
using Monolith.Protos;
using Microsoft.Extensions.Logging.Abstractions;
using State = Monolith.Compute.V1.ImagePrewarm.Types.State;

namespace Monolith.Host.Tests.Agents;

/// <summary>Hypervisors hold images ahead: whole agents with emulated drivers under the real host.</summary>
public sealed class PrewarmTests(RunningHost host)
{
    ImagePrewarmService.ImagePrewarmServiceClient Prewarms => new(host.Invoker);

    async Task<ImagePrewarm> UntilAsync(string name, Func<ImagePrewarm, bool> holds, string what)
    {
        ImagePrewarm? seen = null;
        await RunningHost.UntilAsync(async () => holds(seen = await Prewarms.GetImagePrewarmAsync(new() { Name = name }, host.Headers())),
            $"{name}: {what}");
        return seen!;
    }

    [Fact]
    public async Task AnAgent_HoldsWhatIsWanted_AlsoWhenItComesLater_AndAFamilysNewest()
    {
        var (first, second) = (new byte[1024], new byte[1536]);
        second[1] = 1;
        await UploadAsync("warm-1", first);
        await using var one = await Node.JoinAsync(host, "warm-a", "warm");
        var made = await Prewarms.CreateImagePrewarmAsync(new()
        {
            ImagePrewarmId = "family",
            ImagePrewarm = new() { Image = host.Own.Name + "/imageFamilies/warm", AvailabilityZone = "warm" },
        }, host.Headers());
        Assert.Equal(host.Own.Name + "/images/warm-1", made.HeldImage);
        var warm = await UntilAsync(made.Name, p => p is { State: State.Warm, HoldingCount: 1 }, "one holds it");
        Assert.Equal(made.Sha256, Assert.Single(one.Held));

        await using (var two = await Node.JoinAsync(host, "warm-b", "warm"))
        {
            await UntilAsync(made.Name, p => p is { State: State.Warm, HoldingCount: 2, HypervisorCount: 2 }, "two do");
            var newest = await UploadAsync("warm-2", second);
            warm = await UntilAsync(made.Name, p => p is { State: State.Warm, HoldingCount: 2 } && p.Sha256 == newest.Sha256, "the newest");
            Assert.Equal(2 * 1536, warm.BytesDone);
        }
        await UntilAsync(made.Name, p => p is { State: State.Warm, HoldingCount: 1, DownCount: 1 }, "one is down");

        // Nothing holds the images back.
        var images = new ImageService.ImageServiceClient(host.Invoker);
        await images.DeleteImageAsync(new() { Name = host.Own.Name + "/images/warm-2" }, host.Headers());
        await UntilAsync(made.Name, p => p is { State: State.Warm } && p.HeldImage.EndsWith("warm-1", StringComparison.Ordinal), "the one before");
        await images.DeleteImageAsync(new() { Name = host.Own.Name + "/images/warm-1" }, host.Headers());
        var gone = await UntilAsync(made.Name, p => p is { State: State.Failed }, "there is none");
        Assert.Equal("IMAGE_GONE", gone.Conditions.Single(c => c.Type == "ImageFound").Reason);
        await Prewarms.DeleteImagePrewarmAsync(new() { Name = made.Name }, host.Headers());
    }

    /// <summary>One that knows nothing of it is served as before, and said to be too old.</summary>
    [Fact]
    public async Task AnOlderAgent_IsNotDisturbed_AndIsSaidToBeTooOld()
    {
        await UploadAsync("warm-old", new byte[512], "");
        using var channel = await host.JoinedAsync("warm-old", NodeRole.Hypervisor);
        using var call = new VmSyncService.VmSyncServiceClient(channel).SyncVms(HelloHeader.Of(new Hello
        {
            AgentVersion = "0.1", Inventory = new() { Cpus = 1, MemoryMib = 1, DiskGib = 1, AvailabilityZone = "warm-old" },
        }));
        Assert.True(await call.ResponseStream.MoveNext(default));
        var made = await Prewarms.CreateImagePrewarmAsync(new()
        {
            ImagePrewarmId = "old",
            ImagePrewarm = new() { Image = host.Own.Name + "/images/warm-old", AvailabilityZone = "warm-old" },
        }, host.Headers());
        var seen = await UntilAsync(made.Name, p => p.State == State.Failed, "nobody can");
        Assert.Equal(("hypervisors/warm-old", "AGENT_TOO_OLD"), (seen.Failures.Single().Hypervisor, seen.Failures.Single().Reason));
        await Prewarms.DeleteImagePrewarmAsync(new() { Name = made.Name }, host.Headers());
    }

    [Fact]
    public async Task TenantsHaveNoSayInIt()
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await Prewarms.CreateImagePrewarmAsync(new()
        {
            ImagePrewarmId = "mine",
            ImagePrewarm = new() { Image = host.Own.Name + "/images/r1" },
        }, host.Headers(host.OwnersToken)));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
    }

    async Task<Image.V1.Image> UploadAsync(string id, byte[] content, string family = "warm")
    {
        using var call = new ImageService.ImageServiceClient(host.Invoker).UploadImage(host.Headers());
        await call.RequestStream.WriteAsync(new UploadImageRequest
        {
            Header = new()
            {
                Parent = host.Own.Name, ImageId = id, SizeBytes = content.Length, Image = new() { Family = family },
            },
        });
        await call.RequestStream.WriteAsync(new UploadImageRequest { Chunk = Google.Protobuf.ByteString.CopyFrom(content) });
        await call.RequestStream.CompleteAsync();
        return await call;
    }

    /// <summary>A hypervisor with emulated drivers, whose images come and go at once.</summary>
    sealed class Node : IAsyncDisposable
    {
        readonly Grpc.Net.Client.GrpcChannel channel;
        readonly CancellationTokenSource stop = new();
        readonly Seen images;
        readonly Task run;

        Node(string node, string zone, Grpc.Net.Client.GrpcChannel channel)
        {
            this.channel = channel;
            var drivers = new EmulatedNode(Emulation.Instant, TimeProvider.System).Drivers;
            images = new Seen(drivers.Images);
            run = new AgentProcess(new AgentOptions
            {
                Node = node,
                Inventory = EmulatedNode.Inventory(1, 32, 1, zone),
                Policy = new VmPolicy { PrewarmSpread = TimeSpan.FromMilliseconds(20) },
            }, drivers with { Images = images }, channel.CreateCallInvoker, TimeProvider.System, NullLoggerFactory.Instance)
                .RunAsync(stop.Token);
        }

        public IReadOnlyList<string> Held => images.Kept;

        public static async Task<Node> JoinAsync(RunningHost host, string node, string zone) =>
            new(node, zone, await host.JoinedAsync(node, NodeRole.Hypervisor));

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await run.ContinueWith(_ => { });
            channel.Dispose();
            stop.Dispose();
        }

        sealed class Seen(IImages real) : IImages
        {
            public IReadOnlyList<string> Kept { get; private set; } = [];

            public Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation) =>
                real.FetchAsync(image, progress, cancellation);

            public void Keep(IReadOnlyList<VmImage> wanted) => Kept = [.. wanted.Select(i => i.Sha256)];

            public bool Holds(VmImage image) => real.Holds(image);

            public Task FetchAheadAsync(VmImage image, Func<IReadOnlySet<Agent.Images.ImageDigest>> inUse, IProgress<long>? progress,
                CancellationToken cancellation) => real.FetchAheadAsync(image, inUse, progress, cancellation);

            public void RemoveUnused(Func<IReadOnlySet<Agent.Images.ImageDigest>> inUse) => real.RemoveUnused(inUse);
        }
    }
}
