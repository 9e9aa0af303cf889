using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.Images;
using Monolith.Agent.Images.Peers;
using Monolith.Agent.Join;
using Monolith.Agent.Reconcile;
using Monolith.Agent.V1;
using Monolith.Compute.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;
using Monolith.Protos;

namespace Monolith.Host.Tests.Agents;

/// <summary>Two real machines' caches under the real host: certificates, tickets and places as they are.</summary>
public sealed class BlobPeerTests(RunningHost host)
{
    /// <summary>The host has lost the blob by then: there is nowhere else to have it from.</summary>
    [Fact]
    public async Task AHypervisor_GetsAnImage_FromAnotherThatHasIt()
    {
        var content = RandomNumberGenerator.GetBytes(3_000_000);
        content[0] = 0;
        var image = await host.Own.UploadAsync(host, "peers", content);
        // Nobody else's servers are as small as these machines.
        await new FlavorService.FlavorServiceClient(host.Invoker).CreateFlavorAsync(new()
        {
            FlavorId = "peers",
            Flavor = new() { Vcpus = 1, MemoryMib = 32, DiskGib = 1 },
        }, host.Headers());
        await using var first = await Machine.JoinAsync(host, "peer-a");
        await using var second = await Machine.JoinAsync(host, "peer-b");
        var vm = await first.TakeServerAsync(host, image.Name);
        await Assert.ThrowsAsync<ImageException>(() => second.FetchAsync(vm.Image));
        Assert.Equal(content, await File.ReadAllBytesAsync(await first.FetchAsync(vm.Image)));

        File.Delete(Path.Combine(host.Data, "images", "sha256", image.Sha256));
        vm = await second.TakeServerAsync(host, image.Name);
        Assert.Equal(content, await File.ReadAllBytesAsync(await FetchedAsync(() => second.FetchAsync(vm.Image))));
    }

    /// <summary>Before any server asks for it; and the host has lost the blob by then, again.</summary>
    [Fact]
    public async Task AnImage_ThatIsWantedAhead_IsHadFromAnotherThatHoldsIt()
    {
        var content = RandomNumberGenerator.GetBytes(2_000_384);
        content[0] = 0;
        var image = await host.Own.UploadAsync(host, "ahead", content);
        await using var first = await Machine.JoinAsync(host, "ahead-a");
        await using var second = await Machine.JoinAsync(host, "ahead-b");
        var told = new[] { first.WantedAsync("ahead"), second.WantedAsync("ahead") };
        var prewarms = new ImagePrewarmService.ImagePrewarmServiceClient(host.Invoker);
        var wish = await prewarms.CreateImagePrewarmAsync(new()
        {
            ImagePrewarmId = "ahead",
            ImagePrewarm = new() { Image = image.Name, AvailabilityZone = "ahead" },
        }, host.Headers());
        var wanted = await told[0];
        Assert.Equal((image.Sha256, content.Length), (wanted.Sha256, wanted.SizeBytes));
        Assert.Equal(wanted, await told[1]);
        await first.FetchAheadAsync(wanted);
        await first.SayHeldAsync(wanted);
        await RunningHost.UntilAsync(async () => (await prewarms.GetImagePrewarmAsync(new() { Name = wish.Name }, host.Headers()))
            is { HoldingCount: 1 }, "one holds it");

        File.Delete(Path.Combine(host.Data, "images", "sha256", image.Sha256));
        Assert.Equal(content, await File.ReadAllBytesAsync(await FetchedAsync(() => second.FetchAheadAsync(wanted))));
        await prewarms.DeleteImagePrewarmAsync(new() { Name = wish.Name }, host.Headers());
    }

    /// <summary>
    /// As a reconciler does, again and again: a peer that is slow to answer, on a machine that does much else, is given up
    /// for the host, which has it no more.
    /// </summary>
    static async Task<string> FetchedAsync(Func<Task<string>> fetch)
    {
        var path = "";
        await RunningHost.UntilAsync(async () =>
        {
            try
            {
                path = await fetch();
                return true;
            }
            catch (ImageException)
            {
                return false;
            }
        }, "the image came from the other one");
        return path;
    }

    /// <summary>A hypervisor, as far as images are concerned; it runs nothing.</summary>
    sealed class Machine : IAsyncDisposable
    {
        readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("monolith-peer-");
        readonly string node;
        readonly GrpcChannel channel;
        readonly PeerServer server;
        readonly ImageCache cache;
        readonly BlobImages images;
        readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(6));
        Grpc.Core.AsyncDuplexStreamingCall<SyncVmsRequest, SyncVmsResponse>? stream;

        Machine(string node, NodeIdentity identity, GrpcChannel channel)
        {
            (this.node, this.channel) = (node, channel);
            cache = ImageCache.Open(directory.FullName, NullLogger.Instance);
            server = PeerServer.Start(cache, () => identity, new IPEndPoint(IPAddress.Loopback, 0), TimeProvider.System,
                NullLogger.Instance)!;
            images = new BlobImages(cache, channel.CreateCallInvoker, TimeProvider.System, () => identity);
        }

        public static async Task<Machine> JoinAsync(RunningHost host, string node)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var joined = await host.JoinAsync(await host.JoinTokenAsync(node, NodeRole.Hypervisor), key);
            using var certificate = X509CertificateLoader.LoadCertificate(joined.Certificate.Span);
            using var authority = X509CertificateLoader.LoadCertificate(joined.CaCertificate.Span);
            return new(node, new NodeIdentity(node, "hypervisor", host.Tls.ToString(), key.ExportPkcs8PrivateKeyPem(),
                certificate.ExportCertificatePem(), authority.ExportCertificatePem()), host.Channel(Joining.WithKey(certificate, key)));
        }

        /// <summary>Is placed on this machine.</summary>
        public async Task<Vm> TakeServerAsync(RunningHost host, string image)
        {
            stream = Connect(node);
            Assert.True(await stream.ResponseStream.MoveNext(stop.Token));
            await new ServerService.ServerServiceClient(host.Invoker).CreateServerAsync(new()
            {
                Parent = host.Own.Name,
                ServerId = node,
                Server = new()
                {
                    Flavor = "flavors/peers", Image = image, AvailabilityZone = node,
                    Networks = { new ServerNetwork { Network = host.Own.Name + "/networks/r1" } },
                },
            }, host.Headers());
            while (await stream.ResponseStream.MoveNext(stop.Token))
                if (stream.ResponseStream.Current.Upsert is { } vm) return vm;
            throw new InvalidOperationException("the stream ended");
        }

        /// <summary>Connects, and waits until it is told to hold an image.</summary>
        public async Task<VmImage> WantedAsync(string zone)
        {
            stream = Connect(zone);
            while (await stream.ResponseStream.MoveNext(stop.Token))
                if (stream.ResponseStream.Current.WantedImages is { Images: [var image] })
                    return new VmImage { Sha256 = image.Sha256, SizeBytes = image.SizeBytes, Format = image.Format };
            throw new InvalidOperationException("the stream ended");
        }

        public async Task<string> FetchAheadAsync(VmImage image)
        {
            images.Keep([image]);
            await images.FetchAheadAsync(image, () => new HashSet<ImageDigest>(), null, stop.Token);
            Assert.True(images.Holds(image));
            return cache.PathOf(cache.List().Single());
        }

        public Task SayHeldAsync(VmImage image) => stream!.RequestStream.WriteAsync(new SyncVmsRequest
        {
            ImageStatuses = new() { Images = { new ImageStatus { Sha256 = image.Sha256, State = ImageStatus.Types.State.Holding } } },
        }, stop.Token);

        Grpc.Core.AsyncDuplexStreamingCall<SyncVmsRequest, SyncVmsResponse> Connect(string zone) =>
            new VmSyncService.VmSyncServiceClient(channel).SyncVms(HelloHeader.Of(new Hello
            {
                AgentVersion = "1",
                Inventory = new()
                {
                    Cpus = 1, MemoryMib = 32, DiskGib = 1, Architecture = "x86_64", AvailabilityZone = zone,
                    Capabilities = { ["blobs"] = $"127.0.0.1:{server.Port}", ["prewarm"] = "1" },
                },
            }), cancellationToken: stop.Token);

        public Task<string> FetchAsync(VmImage image) => images.FetchAsync(image, null, stop.Token);

        public async ValueTask DisposeAsync()
        {
            stream?.Dispose();
            await server.DisposeAsync();
            channel.Dispose();
            stop.Dispose();
            directory.Delete(recursive: true);
        }
    }
}
