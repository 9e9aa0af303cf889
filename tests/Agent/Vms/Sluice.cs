using System.Net;
using System.Net.Sockets;

namespace Monolith.Agent.Tests.Vms;

/// <summary>A way between two ends that can be shut: bytes wait, connections stay. What waits is lost when it is cut.</summary>
internal sealed class Sluice : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource cut = new();
    private readonly int to;
    private readonly Task accepting;
    private volatile TaskCompletionSource open = Made(opened: true);
    private long passed;

    public Sluice(int to)
    {
        this.to = to;
        // Who sends must not be done before a shut way is noticed: on loopback, with segments of 64 KiB, the kernel would hold
        // all that a small guest is. Its buffers follow from segment and window.
        const int Tcp = 6, MaximumSegment = 2;
        listener.Server.SetRawSocketOption(Tcp, MaximumSegment, BitConverter.GetBytes(1_460));
        listener.Server.ReceiveBufferSize = 16 * 1024;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Bytes towards the far end so far.</summary>
    public long Passed => Interlocked.Read(ref passed);

    /// <summary>Shuts by itself once so many bytes have gone to the far end.</summary>
    public long ShutAfter { get; set; } = long.MaxValue;

    public void Shut() => open = Made(opened: false);

    public void Open()
    {
        ShutAfter = long.MaxValue;
        open.TrySetResult();
    }

    public void Cut() => cut.Cancel();

    public async ValueTask DisposeAsync()
    {
        await cut.CancelAsync();
        listener.Stop();
        await accepting;
        listener.Dispose();
    }

    private static TaskCompletionSource Made(bool opened)
    {
        var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (opened) made.SetResult();
        return made;
    }

    private async Task AcceptAsync()
    {
        var ways = new List<Task>();
        try
        {
            while (true) ways.Add(PassAsync(await listener.AcceptTcpClientAsync(cut.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(ways);
        }
    }

    private async Task PassAsync(TcpClient near)
    {
        using var far = new TcpClient();
        using (near)
        {
            try
            {
                await far.ConnectAsync(IPAddress.Loopback, to, cut.Token);
                await Task.WhenAny(
                    CopyAsync(near.GetStream(), far.GetStream(), counted: true),
                    CopyAsync(far.GetStream(), near.GetStream(), counted: false));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // Cut, or nobody is at the far end: the near end finds its connection closed.
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool counted)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, cut.Token)) > 0)
            {
                if (counted && Interlocked.Add(ref passed, read) > ShutAfter && open.Task.IsCompleted) Shut();
                await open.Task.WaitAsync(cut.Token);
                await to.WriteAsync(buffer.AsMemory(0, read), cut.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // One end is gone: so is the way.
        }
    }
}
