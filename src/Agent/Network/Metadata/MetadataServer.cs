using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Metadata;

/// <summary>
/// 169.254.169.254:80 for all guests of this machine. Who asks is told by the source address alone, which nobody but the
/// port's own guest can use: the filters drop every other packet before it gets here.
/// </summary>
internal sealed class MetadataServer : IAsyncDisposable
{
    private const int Port = 80, Backlog = 128, MaxConnections = 256, MaxConnectionsOfOneGuest = 16;

    /// <summary>A guest on the same machine answers in milliseconds; this long is for one that is overloaded.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly Socket _listener;
    private readonly Func<IPAddress, MetadataSubject?> _find;
    private readonly Action<MetadataSubject> _served;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(MaxConnections);
    private readonly Dictionary<IPAddress, int> _open = [];
    private Task _loop = Task.CompletedTask;

    /// <summary>Opens the socket: on the namespace's thread.</summary>
    /// <param name="find">The subject at a source address; null when it is nobody's.</param>
    /// <param name="served">Called after an answer that was not an error.</param>
    public MetadataServer(
        Func<IPAddress, MetadataSubject?> find, Action<MetadataSubject> served, TimeProvider time, ILogger logger)
    {
        (_find, _served, _time, _logger) = (find, served, time, logger);
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Bind(new IPEndPoint(Gateway.Metadata, Port));
        _listener.Listen(Backlog);
    }

    public void Start() => _loop = Task.Run(() => AcceptAsync(_stop.Token));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await _room.WaitAsync(cancellation);
                var socket = await _listener.AcceptAsync(cancellation);
                _ = ServeAsync(socket, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                _room.Release();
                MetadataLog.AcceptFailed(_logger, e.SocketErrorCode, e.Message);
            }
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken cancellation)
    {
        var source = (socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        var admitted = Enter(source);
        try
        {
            using var deadline = new CancellationTokenSource(Deadline, _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
            if (admitted)
                await AnswerAsync(socket, source, both.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            MetadataLog.Abandoned(_logger, source, e.Message);
        }
        finally
        {
            if (admitted)
                Leave(source);
            socket.Dispose();
            _room.Release();
        }
    }

    private async Task AnswerAsync(Socket socket, IPAddress source, CancellationToken cancellation)
    {
        var buffer = new byte[HttpRequest.MaxHead];
        var length = 0;
        HttpRequest? request;
        HttpParse parse;
        do
        {
            var got = await socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancellation);
            if (got == 0)
                return;
            length += got;
            parse = HttpRequest.Parse(buffer.AsSpan(0, length), out request);
        }
        while (parse == HttpParse.Incomplete);

        var subject = _find(source);
        var answer = request is null
            ? HttpAnswer.Error(400, "Bad Request", "this is not a request of HTTP/1.1")
            : subject is null
                ? HttpAnswer.Error(404, "Not Found", "no server has this address, or it has no metadata yet")
                : MetadataTree.Answer(request, subject);
        await SendAllAsync(socket, answer.Head(), cancellation);
        await SendAllAsync(socket, answer.Body, cancellation);
        socket.Shutdown(SocketShutdown.Send);
        MetadataLog.Served(_logger, source, request?.Path ?? "", answer.Status);
        if (subject is not null && answer.Status == 200)
            _served(subject);
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (bytes.Length > 0)
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellation)..];
    }

    /// <summary>One guest's connections must not take the room of the others.</summary>
    private bool Enter(IPAddress source)
    {
        lock (_open)
        {
            var count = _open.GetValueOrDefault(source);
            if (count >= MaxConnectionsOfOneGuest)
                return false;
            _open[source] = count + 1;
            return true;
        }
    }

    private void Leave(IPAddress source)
    {
        lock (_open)
        {
            if (--_open[source] == 0)
                _open.Remove(source);
        }
    }
}
