using System.Net;
using System.Net.Sockets;

namespace Monolith.Images.Bench;

/// <summary>A machine's way out: so many bytes a second, shared by all that it sends.</summary>
sealed class Link(double bytesPerSecond)
{
    readonly Lock gate = new();
    readonly TimeProvider time = TimeProvider.System;
    DateTimeOffset free;
    long sent;

    public long Sent => Interlocked.Read(ref sent);

    /// <summary>Waits for its turn on the wire.</summary>
    public async Task SendAsync(int bytes, CancellationToken cancel)
    {
        Interlocked.Add(ref sent, bytes);
        TimeSpan wait;
        lock (gate)
        {
            var now = time.GetUtcNow();
            free = (free > now ? free : now) + TimeSpan.FromSeconds(bytes / bytesPerSecond);
            wait = free - now;
        }
        if (wait > TimeSpan.FromMilliseconds(1)) await Task.Delay(wait, cancel);
    }
}

/// <summary>Where a node is reached: what comes back from it goes through its link.</summary>
sealed class Door : IAsyncDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource stop = new();
    readonly Link link;
    readonly int to;
    readonly Task accepting;

    public Door(int to, Link link)
    {
        (this.to, this.link) = (to, link);
        listener.Start();
        accepting = AcceptAsync();
    }

    public string Address => ((IPEndPoint)listener.LocalEndpoint).ToString();

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
        listener.Dispose();
        stop.Dispose();
    }

    async Task AcceptAsync()
    {
        var ways = new List<Task>();
        try
        {
            while (true) ways.Add(PassAsync(await listener.AcceptTcpClientAsync(stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(ways);
        }
    }

    async Task PassAsync(TcpClient near)
    {
        using var far = new TcpClient { NoDelay = true };
        using (near)
            try
            {
                near.NoDelay = true;
                await far.ConnectAsync(IPAddress.Loopback, to, stop.Token);
                // The answer's end is the end: what a reader still has to say interests nobody then.
                await Task.WhenAny(CopyAsync(far.GetStream(), near.GetStream(), link), CopyAsync(near.GetStream(), far.GetStream(), null));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // One of the ends is gone, and sees that itself.
            }
    }

    async Task CopyAsync(NetworkStream from, NetworkStream into, Link? by)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, stop.Token)) > 0)
            {
                if (by is not null) await by.SendAsync(read, stop.Token);
                await into.WriteAsync(buffer.AsMemory(0, read), stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // As above.
        }
    }
}
