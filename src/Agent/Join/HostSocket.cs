using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Sync;

namespace Monolith.Agent.Join;

/// <summary>
/// A TCP connection to the host, tried for again and again: while a host starts anew, all streams wait for the one
/// connection, where each would otherwise make calls that fail. Of thousands of agents in one process, those took all
/// its time.
/// </summary>
internal static class HostSocket
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly Backoff Again = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));

    /// <exception cref="SocketException">Why the last attempt of ten seconds failed.</exception>
    /// <exception cref="TimeoutException">Nobody answered in ten seconds.</exception>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint host, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        Exception cause = new TimeoutException($"{host.Host}:{host.Port} did not answer in {Patience.TotalSeconds:0} s");
        try
        {
            for (var attempt = 0; ; attempt++)
            {
                try
                {
                    return await OpenAsync(host, patience.Token);
                }
                catch (SocketException e)
                {
                    cause = e;
                }
                await Task.Delay(Again.After(attempt, Random.Shared.NextDouble()), patience.Token);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw cause;
        }
    }

    /// <summary>Tries once.</summary>
    /// <exception cref="SocketException">Why it failed.</exception>
    public static async Task<Stream> OpenAsync(DnsEndPoint host, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
