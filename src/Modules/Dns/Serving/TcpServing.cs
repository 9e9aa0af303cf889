using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Dns.Serving;

/// <summary>
/// DNS by TCP (RFC 7766): queries one after the other on a connection, as many as the client likes, sent without
/// waiting for answers if it likes. A client that is slow or silent is let go.
/// </summary>
internal sealed partial class TcpServing(DnsOptions options, PacketHandler handler, TimeProvider time,
    ILogger<TcpServing> log) : IDisposable
{
    readonly CancellationTokenSource stop = new();
    int connections;

    public async Task AcceptAsync(Socket listener)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptAsync(stop.Token);
                if (Interlocked.Increment(ref connections) > options.MaxTcpConnections)
                {
                    Interlocked.Decrement(ref connections);
                    client.Dispose();
                    continue;
                }
                _ = Task.Run(() => ServeAsync(client));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException
                || e is SocketException { SocketErrorCode: SocketError.OperationAborted or SocketError.Interrupted })
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of descriptors, or a client that was gone before it was taken: the next may do better.
                LogAcceptFailed(e.SocketErrorCode);
                await Task.Delay(TimeSpan.FromMilliseconds(100), time);
            }
        }
    }

    async Task ServeAsync(Socket client)
    {
        var packet = ArrayPool<byte>.Shared.Rent(65535);
        var answer = ArrayPool<byte>.Shared.Rent(65535 + 2);
        try
        {
            client.NoDelay = true;
            // Buffered, so that pipelined queries cost one call of the kernel together.
            await using var stream = new BufferedStream(new NetworkStream(client, ownsSocket: true), 4096);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            await using var alarm = time.CreateTimer(_ => deadline.Cancel(), null, options.TcpIdle,
                Timeout.InfiniteTimeSpan);
            while (true)
            {
                if (await stream.ReadAtLeastAsync(packet.AsMemory(0, 2), 2, false, deadline.Token) < 2) return;
                var length = BinaryPrimitives.ReadUInt16BigEndian(packet);
                if (await stream.ReadAtLeastAsync(packet.AsMemory(0, length), length, false, deadline.Token) < length)
                    return;
                var size = handler.Handle(packet.AsSpan(0, length), answer.AsSpan(2, 65535), udp: false);
                // A packet that deserves no answer comes from nobody who speaks DNS.
                if (size == 0) return;
                BinaryPrimitives.WriteUInt16BigEndian(answer, (ushort)size);
                await client.SendAsync(answer.AsMemory(0, size + 2), deadline.Token);
                alarm.Change(options.TcpIdle, Timeout.InfiniteTimeSpan);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException
            or ObjectDisposedException)
        {
        }
        catch (Exception e)
        {
            LogConnectionFailed(e);
        }
        finally
        {
            client.Dispose();
            ArrayPool<byte>.Shared.Return(packet);
            ArrayPool<byte>.Shared.Return(answer);
            Interlocked.Decrement(ref connections);
        }
    }

    public void Stop() => stop.Cancel();

    public void Dispose() => stop.Dispose();

    [LoggerMessage(LogLevel.Warning, "A TCP connection was not accepted: {Error}")]
    partial void LogAcceptFailed(SocketError error);

    [LoggerMessage(LogLevel.Error, "A TCP connection ended by an error of ours")]
    partial void LogConnectionFailed(Exception e);
}
