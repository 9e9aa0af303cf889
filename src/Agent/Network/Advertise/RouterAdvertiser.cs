using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Advertise;

/// <summary>
/// Answers router solicitations on one tap and advertises now and then, as RFC 4861 section 6.2 has it.
/// </summary>
internal sealed class RouterAdvertiser : IAsyncDisposable
{
    private const int IcmpV6Level = 58, FilterOption = 1, MaxHops = 255, BufferLength = 1500;
    private static readonly IPAddress AllNodes = IPAddress.Parse("ff02::1");
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    private readonly Socket socket;
    private readonly int index;
    private readonly string tap;
    private readonly Func<PortPlan> plan;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stop = new();
    private Task loops = Task.CompletedTask;

    /// <summary>Opens the socket: on the namespace's thread.</summary>
    public RouterAdvertiser(string tap, int index, Func<PortPlan> plan, TimeProvider time, ILogger logger)
    {
        (this.tap, this.index, this.plan, this.time, this.logger) = (tap, index, plan, time, logger);
        socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6);
        try
        {
            DeviceBinding.Bind(socket, tap);
            socket.SetRawSocketOption(IcmpV6Level, FilterOption, PassOnlySolicitations());
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastTimeToLive, MaxHops);
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.IpTimeToLive, MaxHops);
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, index);
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastLoopback, false);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        }
        catch
        {
            Close();
            throw;
        }
    }

    public void Start() => loops = Task.WhenAll(
        Task.Run(() => AnswerAsync(stop.Token)), Task.Run(() => AdvertiseAsync(stop.Token)));

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await loops;
        Close();
    }

    private void Close()
    {
        socket.Dispose();
        stop.Dispose();
    }

    private async Task AnswerAsync(CancellationToken cancellation)
    {
        var buffer = new byte[BufferLength];
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var got = await socket.ReceiveFromAsync(
                    buffer, SocketFlags.None, new IPEndPoint(IPAddress.IPv6Any, 0), cancellation);
                if (RouterAdvertisement.IsSolicitation(buffer.AsSpan(0, got.ReceivedBytes)))
                    await SendAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                AdvertiseLog.Failed(logger, tap, e.SocketErrorCode, e.Message);
                if (e.SocketErrorCode == SocketError.OperationAborted)
                    return;
            }
        }
    }

    private async Task AdvertiseAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
                await SendAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Sends to all nodes of the tap, which is the one guest.</summary>
    private async Task SendAsync(CancellationToken cancellation)
    {
        try
        {
            var to = new IPEndPoint(new IPAddress(AllNodes.GetAddressBytes(), index), 0);
            await socket.SendToAsync(RouterAdvertisement.Of(plan()), SocketFlags.None, to, cancellation);
        }
        catch (SocketException e)
        {
            // Without a guest there is nobody to hear it.
            AdvertiseLog.Failed(logger, tap, e.SocketErrorCode, e.Message);
        }
    }

    /// <summary>struct icmp6_filter: a set bit blocks its type (RFC 3542 section 3.2).</summary>
    private static byte[] PassOnlySolicitations()
    {
        var filter = new byte[32];
        filter.AsSpan().Fill(0xff);
        var word = BitConverter.ToUInt32(filter, RouterAdvertisement.SolicitationType / 32 * 4);
        word &= ~(1u << (RouterAdvertisement.SolicitationType % 32));
        BitConverter.TryWriteBytes(filter.AsSpan(RouterAdvertisement.SolicitationType / 32 * 4), word);
        return filter;
    }
}
