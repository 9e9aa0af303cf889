using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Metadata;

/// <summary>
/// 169.254.169.254:80 for all guests of this machine. Who asks is told by the source address alone, which nobody but
/// the port's own guest can use: the filters drop every other packet before it gets here.
/// </summary>
internal sealed class MetadataServer : IAsyncDisposable
{
    private const int Port = 80, Backlog = 128, MaxConnections = 256, MaxConnectionsOfOneGuest = 16;

    /// <summary>A guest on the same machine answers in milliseconds; this long is for one that is overloaded.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly Socket listener;
    private readonly Func<IPAddress, MetadataSubject?> find;
    private readonly Action<MetadataSubject> served;
    private readonly HostKeyDesk hostKeys;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim room = new(MaxConnections);
    private readonly Dictionary<IPAddress, int> open = [];
    private Task loop = Task.CompletedTask;

    /// <summary>Opens the socket: on the namespace's thread.</summary>
    /// <param name="find">The subject at a source address; null when it is nobody's.</param>
    /// <param name="hostKeys">Certifies what guests send.</param>
    /// <param name="served">Called after an answer that was not an error.</param>
    public MetadataServer(
        Func<IPAddress, MetadataSubject?> find, HostKeyDesk hostKeys, Action<MetadataSubject> served, TimeProvider time, ILogger logger)
    {
        (this.find, this.hostKeys, this.served, this.time, this.logger) = (find, hostKeys, served, time, logger);
        listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(Gateway.Metadata, Port));
        listener.Listen(Backlog);
    }

    public void Start() => loop = Task.Run(() => AcceptAsync(stop.Token));

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await loop;
        listener.Dispose();
        stop.Dispose();
    }

    private async Task AcceptAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await room.WaitAsync(cancellation);
                var socket = await listener.AcceptAsync(cancellation);
                _ = ServeAsync(socket, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                room.Release();
                MetadataLog.AcceptFailed(logger, e.SocketErrorCode, e.Message);
            }
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken cancellation)
    {
        var source = (socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        var admitted = Enter(source);
        try
        {
            using var deadline = new CancellationTokenSource(Deadline, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
            if (admitted)
                await AnswerAsync(socket, source, both.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            MetadataLog.Abandoned(logger, source, e.Message);
        }
        finally
        {
            if (admitted)
                Leave(source);
            socket.Dispose();
            room.Release();
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

        var subject = find(source);
        var answer = request is null
            ? HttpAnswer.Error(400, "Bad Request", "this is not a request of HTTP/1.1")
            : subject is null
                ? HttpAnswer.Error(404, "Not Found", "no server has this address, or it has no metadata yet")
                : request is { Method: "POST", Path: HostKeyDesk.Path }
                    ? await CertifyAsync(socket, subject, buffer.AsMemory(0, length), cancellation)
                    : MetadataTree.Answer(request, subject);
        await SendAllAsync(socket, answer.Head(), cancellation);
        await SendAllAsync(socket, answer.Body, cancellation);
        socket.Shutdown(SocketShutdown.Send);
        MetadataLog.Served(logger, source, request?.Path ?? "", answer.Status);
        if (subject is not null && answer.Status == 200)
            served(subject);
    }

    private async Task<HttpAnswer> CertifyAsync(
        Socket socket, MetadataSubject subject, Memory<byte> arrived, CancellationToken cancellation)
    {
        var (start, length) = HttpRequest.BodyOf(arrived.Span);
        if (length is not { } size)
            return HttpAnswer.Error(411, "Length Required", "say in one Content-Length how long the keys are");
        if (size > HostKeyDesk.MaxBody)
            return HttpAnswer.Error(413, "Content Too Large", $"the keys may have {HostKeyDesk.MaxBody} bytes");
        var body = new byte[size];
        var got = Math.Min(arrived.Length - start, size);
        arrived.Slice(start, got).CopyTo(body);
        while (got < size)
        {
            var more = await socket.ReceiveAsync(body.AsMemory(got), SocketFlags.None, cancellation);
            if (more == 0)
                return HttpAnswer.Error(400, "Bad Request", "there is less than Content-Length says");
            got += more;
        }

        // To the guest itself, and to nobody that it forwards to.
        socket.Ttl = 1;
        return await hostKeys.AnswerAsync(subject, ((IPEndPoint)socket.RemoteEndPoint!).Port, body, cancellation);
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (bytes.Length > 0)
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellation)..];
    }

    /// <summary>One guest's connections must not take the room of the others.</summary>
    private bool Enter(IPAddress source)
    {
        lock (open)
        {
            var count = open.GetValueOrDefault(source);
            if (count >= MaxConnectionsOfOneGuest)
                return false;
            open[source] = count + 1;
            return true;
        }
    }

    private void Leave(IPAddress source)
    {
        lock (open)
        {
            if (--open[source] == 0)
                open.Remove(source);
        }
    }
}
