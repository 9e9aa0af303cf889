using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Advertise;

/// <summary>Answers router solicitations on one tap and advertises now and then, as RFC 4861 section 6.2 has it.</summary>
internal sealed class RouterAdvertiser : IAsyncDisposable
{
    private const int IcmpV6Level = 58, FilterOption = 1, MaxHops = 255, BufferLength = 1500;
    private static readonly IPAddress AllNodes = IPAddress.Parse("ff02::1");
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    private readonly Socket _socket;
    private readonly int _index;
    private readonly string _tap;
    private readonly Func<PortPlan> _plan;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private Task _loops = Task.CompletedTask;

    /// <summary>Opens the socket: on the namespace's thread.</summary>
    public RouterAdvertiser(string tap, int index, Func<PortPlan> plan, TimeProvider time, ILogger logger)
    {
        (_tap, _index, _plan, _time, _logger) = (tap, index, plan, time, logger);
        _socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6);
        try
        {
            DeviceBinding.Bind(_socket, tap);
            _socket.SetRawSocketOption(IcmpV6Level, FilterOption, PassOnlySolicitations());
            _socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastTimeToLive, MaxHops);
            _socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.IpTimeToLive, MaxHops);
            _socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, index);
            _socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastLoopback, false);
            _socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        }
        catch
        {
            Close();
            throw;
        }
    }

    public void Start() => _loops = Task.WhenAll(
        Task.Run(() => AnswerAsync(_stop.Token)), Task.Run(() => AdvertiseAsync(_stop.Token)));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loops;
        Close();
    }

    private void Close()
    {
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task AnswerAsync(CancellationToken cancellation)
    {
        var buffer = new byte[BufferLength];
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var got = await _socket.ReceiveFromAsync(
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
                AdvertiseLog.Failed(_logger, _tap, e.SocketErrorCode, e.Message);
                if (e.SocketErrorCode == SocketError.OperationAborted)
                    return;
            }
        }
    }

    private async Task AdvertiseAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, _time);
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
            var to = new IPEndPoint(new IPAddress(AllNodes.GetAddressBytes(), _index), 0);
            await _socket.SendToAsync(RouterAdvertisement.Of(_plan()), SocketFlags.None, to, cancellation);
        }
        catch (SocketException e)
        {
            // Without a guest there is nobody to hear it.
            AdvertiseLog.Failed(_logger, _tap, e.SocketErrorCode, e.Message);
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
