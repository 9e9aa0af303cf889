using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;
using Monolith.Compute.Vms;
using Monolith.Protos;

namespace Monolith.Images.Bench;

/// <summary>One image and the host's own choice of sources, behind gRPC on loopback and a link; without the database.</summary>
sealed class Host : IAsyncDisposable
{
    const string NodeHeader = "node";

    readonly WebApplication app;
    readonly Authority authority;

    Host(byte[] blob, Authority authority, Link link, bool peers)
    {
        (Blob, this.authority, Link, Peers) = (blob, authority, link, peers);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        app = builder.Build();
        app.MapGrpcService<Blobs>();
        app.MapGrpcService<Finder>();
    }

    public byte[] Blob { get; }

    public Link Link { get; }

    /// <summary>Nodes are sent to each other; else all of them read here.</summary>
    public bool Peers { get; }

    public BlobSources Sources { get; } = new(TimeProvider.System);

    public static async Task<Host> StartAsync(byte[] blob, Authority authority, Link link, bool peers)
    {
        var host = new Host(blob, authority, link, peers);
        await host.app.StartAsync();
        return host;
    }

    public GrpcChannel Connect() => GrpcChannel.ForAddress(app.Urls.Single());

    public static CallInvoker As(GrpcChannel channel, string node) => channel.Intercept(headers =>
    {
        headers.Add(NodeHeader, node);
        return headers;
    });

    public ValueTask DisposeAsync() => app.DisposeAsync();

    static string NodeOf(ServerCallContext context) => context.RequestHeaders.GetValue(NodeHeader)!;

    sealed class Blobs(Host host) : Agent.V1.BlobService.BlobServiceBase
    {
        const int ChunkBytes = 256 * 1024;

        public override async Task ReadBlob(ReadBlobRequest request, IServerStreamWriter<ReadBlobResponse> responses,
            ServerCallContext context)
        {
            var complete = false;
            try
            {
                for (var at = (int)request.Offset; at < host.Blob.Length; at += ChunkBytes)
                {
                    var chunk = host.Blob.AsMemory(at, Math.Min(ChunkBytes, host.Blob.Length - at));
                    await host.Link.SendAsync(chunk.Length, context.CancellationToken);
                    await responses.WriteAsync(new ReadBlobResponse { Chunk = UnsafeByteOperations.UnsafeWrap(chunk) },
                        context.CancellationToken);
                }
                complete = true;
            }
            finally
            {
                host.Sources.Ended(request.Sha256, NodeOf(context), complete);
            }
        }
    }

    sealed class Finder(Host host) : Agent.V1.BlobSourceService.BlobSourceServiceBase
    {
        public override Task<FindBlobSourceResponse> FindBlobSource(FindBlobSourceRequest request, ServerCallContext context)
        {
            var node = NodeOf(context);
            return Task.FromResult(!host.Peers
                ? new FindBlobSourceResponse()
                : host.Sources.Choose(request.Sha256, node, [], request.FailedNodes) switch
                {
                    BlobSource.Peer peer => new FindBlobSourceResponse { Peer = host.Ticket(peer, node, request.Sha256) },
                    BlobSource.Wait wait => new FindBlobSourceResponse { Wait = Duration.FromTimeSpan(wait.For) },
                    _ => new FindBlobSourceResponse(),
                });
        }

        public override Task<ReportBlobReadResponse> ReportBlobRead(ReportBlobReadRequest request, ServerCallContext context)
        {
            host.Sources.Ended(request.Sha256, NodeOf(context), request.Complete);
            return Task.FromResult(new ReportBlobReadResponse());
        }
    }

    BlobPeer Ticket(BlobSource.Peer peer, string reader, string sha256)
    {
        var ticket = new BlobTicket
        {
            Sha256 = sha256,
            ReaderNode = reader,
            ServerNode = peer.Node,
            ExpireTimeSeconds = DateTimeOffset.UtcNow.AddMinutes(2).ToUnixTimeSeconds(),
        }.ToByteArray();
        return new BlobPeer
        {
            Node = peer.Node,
            Address = peer.Address,
            Ticket = ByteString.CopyFrom(ticket),
            Signature = ByteString.CopyFrom(authority.Sign(SignedTicket.Of(ticket))),
        };
    }
}
