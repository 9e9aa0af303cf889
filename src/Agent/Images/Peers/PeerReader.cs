using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Monolith.Agent.Join;
using Monolith.Agent.V1;

namespace Monolith.Agent.Images.Peers;

/// <summary>Reads a blob from another node. What comes is believed by nobody yet.</summary>
internal static class PeerReader
{
    private const int BufferBytes = 256 * 1024;
    private static readonly TimeSpan Introduction = TimeSpan.FromSeconds(5);

    /// <param name="silence">How long the peer may say nothing.</param>
    /// <exception cref="IOException">It is not there, is not who it should be, or broke off.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        BlobPeer peer, long offset, NodeIdentity identity, TimeSpan silence,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var tls = new PeerTls(identity);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Introduction);
        await using var stream = await OpenAsync(peer, offset, tls, limit.Token);
        var buffer = new byte[BufferBytes];
        while (true)
        {
            limit.CancelAfter(silence);
            var read = await stream.ReadAsync(buffer, limit.Token);
            if (read == 0) yield break;
            yield return buffer.AsMemory(0, read);
        }
    }

    private static async Task<Stream> OpenAsync(BlobPeer peer, long offset, PeerTls tls, CancellationToken cancellation)
    {
        if (!IPEndPoint.TryParse(peer.Address, out var at)) throw new IOException($"{peer.Node} has no address: '{peer.Address}'");
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(at, cancellation);
            var stream = await tls.ConnectAsync(new NetworkStream(socket, ownsSocket: true), peer.Node, cancellation);
            var body = new PeerReadRequest { Ticket = peer.Ticket, Signature = peer.Signature, Offset = offset }.ToByteArray();
            var message = new byte[4 + body.Length];
            BinaryPrimitives.WriteInt32BigEndian(message, body.Length);
            body.CopyTo(message, 4);
            await stream.WriteAsync(message, cancellation);
            return stream;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
