using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Dhcp;

/// <summary>Answers DHCP on one tap. All of them wait in the runtime's one epoll; none has a thread.</summary>
internal sealed class DhcpServer : IAsyncDisposable
{
    private const int ServerPort = 67, ClientPort = 68;

    private readonly Socket socket;
    private readonly string tap;
    private readonly Func<PortPlan> plan;
    private readonly TimeSpan lease;
    private readonly Action acknowledged;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stop = new();
    private Task loop = Task.CompletedTask;

    /// <summary>Opens the socket: on the namespace's thread.</summary>
    /// <param name="plan">The port's plan of the moment.</param>
    /// <param name="acknowledged">Called when a client has taken its lease.</param>
    public DhcpServer(string tap, Func<PortPlan> plan, TimeSpan lease, Action acknowledged, ILogger logger)
    {
        (this.tap, this.plan, this.lease, this.acknowledged, this.logger) = (tap, plan, lease, acknowledged, logger);
        socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.EnableBroadcast = true;
        try
        {
            DeviceBinding.Bind(socket, tap);
            socket.Bind(new IPEndPoint(IPAddress.Any, ServerPort));
        }
        catch
        {
            Close();
            throw;
        }
    }

    public void Start() => loop = Task.Run(() => LoopAsync(stop.Token));

    /// <summary>Ends what was never started.</summary>
    public void Close()
    {
        socket.Dispose();
        stop.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await loop;
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
                var got = await socket.ReceiveFromAsync(buffer, SocketFlags.None, from, cancellation);
                await AnswerAsync(buffer.AsMemory(0, got.ReceivedBytes), cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                DhcpLog.Failed(logger, tap, e.SocketErrorCode, e.Message);
                if (e.SocketErrorCode == SocketError.OperationAborted)
                    return;
            }
        }
    }

    private async Task AnswerAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancellation)
    {
        if (!DhcpRequest.TryParse(datagram.Span, out var request))
            return;
        var plan = this.plan();
        if (DhcpAnswers.To(request, plan, lease) is not { } reply)
            return;
        // A client without an address hears broadcasts only; one that renews is answered where it is.
        var bound = reply.Type != DhcpType.Nak && !request.ClientAddress.Equals(IPAddress.Any);
        var to = new IPEndPoint(bound ? request.ClientAddress : IPAddress.Broadcast, ClientPort);
        await socket.SendToAsync(reply.ToBytes(), SocketFlags.None, to, cancellation);
        DhcpLog.Answered(logger, plan.PortId, request.Type, reply.Type, reply.YourAddress);
        if (reply.Type == DhcpType.Ack)
            acknowledged();
    }
}
