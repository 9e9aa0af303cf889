using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network.Tap;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Network.Probe;

/// <summary>Asks a guest whether it is there.</summary>
public interface IGuestProbe
{
    /// <summary>Whether the guest answers ARP for an address of its port, within the time given.</summary>
    /// <returns>False when it does not, or when there is no such tap.</returns>
    Task<bool> AnswersArpAsync(
        string tapName, MacAddress mac, IPAddress address, TimeSpan timeout, CancellationToken cancellation);

    /// <summary>Whether something accepts a TCP connection there, within the time given.</summary>
    Task<bool> AcceptsTcpAsync(IPEndPoint endpoint, TimeSpan timeout, CancellationToken cancellation);
}

/// <summary>Probes of the namespace in which the data plane works. A bounded number is under way at once.</summary>
internal sealed class GuestProbe(NamespaceThread thread, TimeProvider time) : IGuestProbe, IDisposable
{
    private const int MaxAtOnce = 64, FrameLength = 256;
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(250);

    private readonly SemaphoreSlim room = new(MaxAtOnce);

    public Task<bool> AnswersArpAsync(
        string tapName, MacAddress mac, IPAddress address, TimeSpan timeout, CancellationToken cancellation) =>
        WithinAsync(
            timeout,
            async deadline =>
            {
                using var socket = await thread.RunAsync(() => OpenArp(tapName), deadline);
                return socket is not null && await AskAsync(socket, mac, address, deadline);
            },
            cancellation);

    public Task<bool> AcceptsTcpAsync(IPEndPoint endpoint, TimeSpan timeout, CancellationToken cancellation) =>
        WithinAsync(
            timeout,
            async deadline =>
            {
                using var socket = await thread.RunAsync(
                    () => new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp), deadline);
                // A reset instead of a farewell: the probe leaves no connection in TIME_WAIT.
                socket.LingerState = new LingerOption(true, 0);
                await socket.ConnectAsync(endpoint, deadline);
                return true;
            },
            cancellation);

    public void Dispose() => room.Dispose();

    private async Task<bool> WithinAsync(
        TimeSpan timeout, Func<CancellationToken, Task<bool>> probe, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var entered = false;
        try
        {
            await room.WaitAsync(both.Token);
            entered = true;
            return await probe(both.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            return false;
        }
        finally
        {
            if (entered)
                room.Release();
        }
    }

    private async Task<bool> AskAsync(Socket socket, MacAddress mac, IPAddress address, CancellationToken deadline)
    {
        var question = ArpPacket.WhoHas(address);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline);
        var asking = RepeatAsync(socket, question, stop.Token);
        try
        {
            var frame = new byte[FrameLength];
            while (true)
            {
                var length = await socket.ReceiveAsync(frame, SocketFlags.None, deadline);
                if (ArpPacket.IsAnswer(frame.AsSpan(0, length), mac, address))
                    return true;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await asking;
        }
    }

    private async Task RepeatAsync(Socket socket, byte[] question, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(AskEvery, time);
        try
        {
            do
                await socket.SendAsync(question, SocketFlags.None, stop);
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The receiver's deadline says what comes of it.
        }
    }

    private static Socket? OpenArp(string tapName)
    {
        using var netlink = new NetlinkSocket();
        if (new LinkTable(netlink).Find(tapName) is not { } link)
            return null;
        var protocol = (ushort)IPAddress.HostToNetworkOrder((short)IfEtherConstants.ETH_P_ARP);
        var fd = FileHandle.OpenSocket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, protocol);
        fd.Bind(
            new sockaddr_ll { sll_family = AF_PACKET, sll_protocol = protocol, sll_ifindex = link.Index },
            $"bind(AF_PACKET {tapName})");
        return fd.IntoSocket();
    }
}
