using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Images;
using Monolith.Agent.Join;
using Monolith.Agent.V1;
using Monolith.Protos;

namespace Monolith.Agent.Tests.Images;

/// <summary>A certificate authority, and a host that gives one blob and names the peers that a test says.</summary>
internal sealed class BlobCloud : IAsyncDisposable
{
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 authority;
    private WebApplication? app;
    private GrpcChannel? channel;

    public BlobCloud()
    {
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
    }

    public byte[] Blob { get; init; } = [];

    /// <summary>Answers to questions for a source, one after the other; then: the host.</summary>
    public ConcurrentQueue<FindBlobSourceResponse> Sources { get; } = new();

    public ConcurrentQueue<FindBlobSourceRequest> Asked { get; } = new();

    public ConcurrentQueue<ReportBlobReadRequest> Reports { get; } = new();

    /// <summary>Offsets from which the blob was read here.</summary>
    public ConcurrentQueue<long> Reads { get; } = new();

    public ImageDigest Digest => ImageDigest.FromHash(SHA256.HashData(Blob));

    public CallInvoker Invoker => channel!.CreateCallInvoker();

    /// <param name="usage">Clients' is that of nodes, servers' that of the host.</param>
    public NodeIdentity Node(string name, string usage = "1.3.6.1.5.5.7.3.2")
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", own, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        using var certificate = request.Create(
            authority.SubjectName, X509SignatureGenerator.CreateForECDsa(key), DateTimeOffset.UtcNow.AddHours(-1),
            DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return new NodeIdentity(
            name, "hypervisor", "127.0.0.1:1", own.ExportPkcs8PrivateKeyPem(), certificate.ExportCertificatePem(),
            authority.ExportCertificatePem());
    }

    public BlobPeer Peer(string node, int port, string reader = "reader", ImageDigest? blob = null, int seconds = 60)
    {
        var ticket = new BlobTicket
        {
            Sha256 = (blob ?? Digest).Hex, ReaderNode = reader, ServerNode = node,
            ExpireTimeSeconds = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + seconds,
        }.ToByteArray();
        return new BlobPeer
        {
            Node = node, Address = $"127.0.0.1:{port}", Ticket = ByteString.CopyFrom(ticket),
            Signature = ByteString.CopyFrom(key.SignData(
                SignedTicket.Of(ticket), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
        };
    }

    public async Task<BlobCloud> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        app = builder.Build();
        app.MapGrpcService<Blobs>();
        app.MapGrpcService<Finder>();
        await app.StartAsync();
        channel = GrpcChannel.ForAddress(app.Urls.Single());
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        channel?.Dispose();
        if (app is not null) await app.DisposeAsync();
        authority.Dispose();
        key.Dispose();
    }

    private sealed class Blobs(BlobCloud cloud) : BlobService.BlobServiceBase
    {
        public override async Task ReadBlob(
            ReadBlobRequest request, IServerStreamWriter<ReadBlobResponse> responses, ServerCallContext context)
        {
            cloud.Reads.Enqueue(request.Offset);
            foreach (var chunk in cloud.Blob.Skip((int)request.Offset).Chunk(100_000))
                await responses.WriteAsync(new ReadBlobResponse { Chunk = ByteString.CopyFrom(chunk) });
        }
    }

    private sealed class Finder(BlobCloud cloud) : BlobSourceService.BlobSourceServiceBase
    {
        public override Task<FindBlobSourceResponse> FindBlobSource(
            FindBlobSourceRequest request, ServerCallContext context)
        {
            cloud.Asked.Enqueue(request);
            return Task.FromResult(cloud.Sources.TryDequeue(out var source) ? source : new FindBlobSourceResponse());
        }

        public override Task<ReportBlobReadResponse> ReportBlobRead(
            ReportBlobReadRequest request, ServerCallContext context)
        {
            cloud.Reports.Enqueue(request);
            return Task.FromResult(new ReportBlobReadResponse());
        }
    }
}
