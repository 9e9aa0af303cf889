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
        Assert.Equal(content, await File.ReadAllBytesAsync(await second.FetchAsync(vm.Image)));
    }

    /// <summary>A hypervisor, as far as images are concerned; it runs nothing.</summary>
    sealed class Machine : IAsyncDisposable
    {
        readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("monolith-peer-");
        readonly string node;
        readonly GrpcChannel channel;
        readonly PeerServer server;
        readonly BlobImages images;
        readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(2));
        Grpc.Core.AsyncDuplexStreamingCall<SyncVmsRequest, SyncVmsResponse>? stream;

        Machine(string node, NodeIdentity identity, GrpcChannel channel)
        {
            (this.node, this.channel) = (node, channel);
            var cache = ImageCache.Open(directory.FullName, NullLogger.Instance);
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
            stream = new VmSyncService.VmSyncServiceClient(channel).SyncVms(HelloHeader.Of(new Hello
            {
                AgentVersion = "1",
                Inventory = new()
                {
                    Cpus = 1, MemoryMib = 32, DiskGib = 1, Architecture = "x86_64", AvailabilityZone = node,
                    Capabilities = { ["blobs"] = $"127.0.0.1:{server.Port}" },
                },
            }), cancellationToken: stop.Token);
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
