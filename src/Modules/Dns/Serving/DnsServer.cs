using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Monolith.Dns.Serving;

/// <summary>
/// Listens on every endpoint by UDP and TCP. UDP has a thread for each endpoint, which blocks in the kernel and
/// allocates nothing for a datagram but the answer's lists.
/// </summary>
internal sealed partial class DnsServer(DnsOptions options, PacketHandler handler, TcpServing tcp, TimeProvider time,
    ILogger<DnsServer> log) : BackgroundService
{
    static readonly TimeSpan BindPause = TimeSpan.FromSeconds(5);

    readonly Lock gate = new();
    readonly List<IDisposable> sockets = [];
    readonly List<IPEndPoint> bound = [];
    readonly List<IPEndPoint> waiting = [];

    /// <summary>Where it listens now, ports resolved.</summary>
    public IReadOnlyList<IPEndPoint> Bound
    {
        get
        {
            lock (gate) return [.. bound];
        }
    }

    public override Task StartAsync(CancellationToken cancel)
    {
        // Before the start returns, so that who starts the host can ask at once.
        var later = options.Endpoints.Where(e => !TryBind(e, tell: true)).ToList();
        waiting.AddRange(later);
        return base.StartAsync(cancel);
    }

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        while (waiting.Count > 0)
        {
            await Task.Delay(BindPause, time, stop);
            waiting.RemoveAll(e => TryBind(e, tell: false));
        }
    }

    bool TryBind(IPEndPoint endpoint, bool tell)
    {
        Socket? datagrams = null, listener = null;
        try
        {
            listener = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(endpoint);
            listener.Listen(128);
            // The same port by UDP, also when the system chose it.
            var actual = (IPEndPoint)listener.LocalEndPoint!;
            datagrams = new Socket(endpoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
            {
                ReceiveBufferSize = 4 << 20,
                SendBufferSize = 4 << 20,
            };
            datagrams.Bind(actual);
            lock (gate)
            {
                sockets.AddRange([datagrams, listener]);
                bound.Add(actual);
            }
            var socket = datagrams;
            new Thread(() => ServeDatagrams(socket)) { IsBackground = true, Name = "dns " + actual }.Start();
            _ = tcp.AcceptAsync(listener);
            LogListening(actual);
            return true;
        }
        catch (SocketException e)
        {
            datagrams?.Dispose();
            listener?.Dispose();
            if (tell) LogBindFailed(endpoint, e.SocketErrorCode);
            return false;
        }
    }

    void ServeDatagrams(Socket socket)
    {
        var limit = new ResponseLimit(options.ResponsesPerSecond, time);
        var packet = new byte[65535];
        var answer = new byte[65535];
        var source = new SocketAddress(socket.AddressFamily);
        while (true)
        {
            try
            {
                source.Size = source.Buffer.Length;
                var length = socket.ReceiveFrom(packet, SocketFlags.None, source);
                // Nobody asks from port 0, and an answer to it goes nowhere.
                if (source[2] == 0 && source[3] == 0) continue;
                var verdict = limit.Judge(source);
                if (verdict == ResponseLimit.Verdict.Drop)
                {
                    DnsMetrics.Dropped();
                    continue;
                }
                if (verdict == ResponseLimit.Verdict.Truncate) DnsMetrics.Truncated();
                var size = handler.Handle(packet.AsSpan(0, length), answer, udp: true,
                    truncate: verdict == ResponseLimit.Verdict.Truncate);
                if (size > 0) socket.SendTo(answer.AsSpan(0, size), SocketFlags.None, source);
            }
            catch (SocketException e) when (e.SocketErrorCode is not (SocketError.OperationAborted
                or SocketError.Interrupted or SocketError.NotSocket))
            {
                // One client's network trouble (unreachable, no buffer) is its own.
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancel)
    {
        await base.StopAsync(cancel);
        lock (gate)
        {
            sockets.ForEach(s => s.Dispose());
            sockets.Clear();
        }
        tcp.Stop();
    }

    [LoggerMessage(LogLevel.Information, "The name server listens on {Endpoint}, UDP and TCP")]
    partial void LogListening(IPEndPoint endpoint);

    [LoggerMessage(LogLevel.Warning, "The name server cannot listen on {Endpoint} yet ({Error}); it tries again")]
    partial void LogBindFailed(IPEndPoint endpoint, SocketError error);
}
