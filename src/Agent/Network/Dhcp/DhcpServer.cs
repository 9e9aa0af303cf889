using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Dhcp;

/// <summary>Answers DHCP on one tap. All of them wait in the runtime's one epoll; none has a thread.</summary>
internal sealed class DhcpServer : IAsyncDisposable
{
    private const int ServerPort = 67, ClientPort = 68;

    private readonly Socket _socket;
    private readonly string _tap;
    private readonly Func<PortPlan> _plan;
    private readonly TimeSpan _lease;
    private readonly Action _acknowledged;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    /// <summary>Opens the socket: on the namespace's thread.</summary>
    /// <param name="plan">The port's plan of the moment.</param>
    /// <param name="acknowledged">Called when a client has taken its lease.</param>
    public DhcpServer(string tap, Func<PortPlan> plan, TimeSpan lease, Action acknowledged, ILogger logger)
    {
        (_tap, _plan, _lease, _acknowledged, _logger) = (tap, plan, lease, acknowledged, logger);
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _socket.EnableBroadcast = true;
        try
        {
            DeviceBinding.Bind(_socket, tap);
            _socket.Bind(new IPEndPoint(IPAddress.Any, ServerPort));
        }
        catch
        {
            Close();
            throw;
        }
    }

    public void Start() => _loop = Task.Run(() => LoopAsync(_stop.Token));

    /// <summary>Ends what was never started.</summary>
    public void Close()
    {
        _socket.Dispose();
        _stop.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        Close();
    }

    private async Task LoopAsync(CancellationToken cancellation)
    {
        var buffer = new byte[DhcpRequest.MaxLength];
        var from = new IPEndPoint(IPAddress.Any, 0);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var got = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, from, cancellation);
                await AnswerAsync(buffer.AsMemory(0, got.ReceivedBytes), cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                DhcpLog.Failed(_logger, _tap, e.SocketErrorCode, e.Message);
                if (e.SocketErrorCode == SocketError.OperationAborted)
                    return;
            }
        }
    }

    private async Task AnswerAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancellation)
    {
        if (!DhcpRequest.TryParse(datagram.Span, out var request))
            return;
        var plan = _plan();
        if (DhcpAnswers.To(request, plan, _lease) is not { } reply)
            return;
        // A client without an address hears broadcasts only; one that renews is answered where it is.
        var bound = reply.Type != DhcpType.Nak && !request.ClientAddress.Equals(IPAddress.Any);
        var to = new IPEndPoint(bound ? request.ClientAddress : IPAddress.Broadcast, ClientPort);
        await _socket.SendToAsync(reply.ToBytes(), SocketFlags.None, to, cancellation);
        DhcpLog.Answered(_logger, plan.PortId, request.Type, reply.Type, reply.YourAddress);
        if (reply.Type == DhcpType.Ack)
            _acknowledged();
    }
}
