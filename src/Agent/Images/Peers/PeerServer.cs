using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Join;
using Monolith.Agent.V1;

namespace Monolith.Agent.Images.Peers;

/// <summary>
/// Gives the blobs of this node's cache to other nodes that the host sends (blob.proto). Reads one short message of a
/// node that has shown its certificate, and writes a file or nothing. Everything has a deadline, and there are only so many
/// at a time: whoever is too many is let go, and reads elsewhere.
/// </summary>
public sealed class PeerServer : IAsyncDisposable
{
    public const int DefaultPort = 49664;

    /// <summary>More than the host sends, for tickets of before its restart.</summary>
    private const int AtOnce = 16;
    private const int MaxRequestBytes = 4096;
    private const int BufferBytes = 256 * 1024;
    private static readonly TimeSpan Introduction = TimeSpan.FromSeconds(10), Silence = TimeSpan.FromSeconds(30);

    private readonly ImageCache cache;
    private readonly Func<NodeIdentity> identity;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly TcpListener listener;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim places = new(AtOnce);
    private readonly Task accepting;

    private PeerServer(
        ImageCache cache, Func<NodeIdentity> identity, TcpListener listener, TimeProvider time, ILogger logger)
    {
        (this.cache, this.identity, this.listener, this.time, this.logger) = (cache, identity, listener, time, logger);
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <param name="cache">What it gives.</param>
    /// <param name="identity">This node's, as it is now.</param>
    /// <param name="at">Where it listens.</param>
    /// <returns>Null when the port is somebody else's: nobody is sent here then.</returns>
    public static PeerServer? Start(
        ImageCache cache, Func<NodeIdentity> identity, IPEndPoint at, TimeProvider time, ILogger logger)
    {
        var listener = new TcpListener(at);
        if (at.Address.Equals(IPAddress.IPv6Any)) listener.Server.DualMode = true;
        try
        {
            listener.Start();
        }
        catch (SocketException e)
        {
            ImageLog.NotServed(logger, at.Port, e.Message);
            listener.Dispose();
            return null;
        }

        return new PeerServer(cache, identity, listener, time, logger);
    }

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptSocketAsync(stop.Token);
                if (places.Wait(0)) _ = ServeAsync(socket);
                else socket.Dispose();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Gone before it was taken, or no room for another: the next one.
                await Task.Delay(TimeSpan.FromMilliseconds(100), time, CancellationToken.None);
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var raw = new NetworkStream(socket, ownsSocket: true);
            await ServeAsync(raw);
        }
        catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException
            or InvalidProtocolBufferException or InvalidDataException)
        {
            // Who is not of this cloud, or has left. It concerns nobody else.
            ImageLog.PeerLeft(logger, e.Message);
        }
        finally
        {
            places.Release();
        }
    }

    private async Task ServeAsync(Stream raw)
    {
        using var tls = new PeerTls(identity());
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        limit.CancelAfter(Introduction);
        var (stream, reader) = await tls.AcceptAsync(raw, limit.Token);
        await using (stream)
        {
            var request = await ReadAsync(stream, limit.Token);
            if (PeerTickets.Admit(request, tls.Authorities, reader, tls.Node, time.GetUtcNow()) is not { } digest) return;
            await using var file = cache.OpenRead(digest);
            if (file is null || request.Offset > file.Length) return;
            file.Seek(request.Offset, SeekOrigin.Begin);
            var buffer = new byte[BufferBytes];
            while (await file.ReadAsync(buffer, stop.Token) is > 0 and var read)
            {
                limit.CancelAfter(Silence);
                await stream.WriteAsync(buffer.AsMemory(0, read), limit.Token);
            }

            await stream.ShutdownAsync();
            ImageLog.Given(logger, digest, reader, file.Length - request.Offset);
        }
    }

    private static async Task<PeerReadRequest> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        var head = new byte[4];
        await stream.ReadExactlyAsync(head, cancellation);
        var length = BinaryPrimitives.ReadUInt32BigEndian(head);
        if (length > MaxRequestBytes) throw new InvalidDataException($"a request of {length} bytes");
        var body = new byte[length];
        await stream.ReadExactlyAsync(body, cancellation);
        return PeerReadRequest.Parser.ParseFrom(body);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await accepting;
        // Those who read see the end of it; what they hold ends with them.
        stop.Dispose();
    }
}
