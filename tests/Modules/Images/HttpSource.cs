using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Monolith.Modules.Tests.Images;

/// <summary>A request, as far as an import sends one.</summary>
/// <param name="Offset">Of <c>Range</c>; 0: none.</param>
/// <param name="IfRange">Empty: none.</param>
internal sealed record Asked(string Path, long Offset, string IfRange);

/// <summary>
/// A web server on loopback that says and does whatever a test wants, also what no honest one would: it writes bytes, not
/// answers. A connection is for one request.
/// </summary>
internal sealed class HttpSource : IAsyncDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource stop = new();
    readonly ConcurrentQueue<Asked> asked = new();
    readonly Task accepting;
    int open;

    public HttpSource(Func<Asked, HttpAnswer, Task> answer)
    {
        listener.Start();
        accepting = AcceptAsync(answer);
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public string Url(string path = "/disk.raw", string host = "127.0.0.1") => $"http://{host}:{Port}{path}";

    public IReadOnlyList<Asked> Requests => [.. asked];

    /// <summary>Connections that have not ended.</summary>
    public int Open => open;

    async Task AcceptAsync(Func<Asked, HttpAnswer, Task> answer)
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stop.Token), answer);
        }
        catch (OperationCanceledException)
        {
        }
    }

    async Task ServeAsync(TcpClient client, Func<Asked, HttpAnswer, Task> answer)
    {
        Interlocked.Increment(ref open);
        using (client)
            try
            {
                var stream = client.GetStream();
                if (await ReadAsync(stream) is not { } request) return;
                asked.Enqueue(request);
                await answer(request, new HttpAnswer(stream, stop.Token));
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The other side has left.
            }
            finally
            {
                Interlocked.Decrement(ref open);
            }
    }

    static async Task<Asked?> ReadAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        if (await reader.ReadLineAsync() is not { } first) return null;
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await reader.ReadLineAsync() is { Length: > 0 } line)
            headers[line[..line.IndexOf(':')]] = line[(line.IndexOf(':') + 1)..].Trim();
        var range = headers.GetValueOrDefault("Range", "bytes=0-");
        return new(first.Split(' ')[1], long.Parse(range["bytes=".Length..^1]), headers.GetValueOrDefault("If-Range", ""));
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
        stop.Dispose();
    }
}

/// <summary>Where an answer is written.</summary>
internal sealed class HttpAnswer(NetworkStream stream, CancellationToken stop)
{
    /// <param name="head">Status line and headers, a line each; <c>Connection: close</c> is added.</param>
    public Task HeadAsync(params string[] head) =>
        stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {string.Join("\r\n", head)}\r\nConnection: close\r\n\r\n"), stop).AsTask();

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes, stop).AsTask();

    /// <summary>As an honest server answers.</summary>
    /// <param name="most">Bytes after which it breaks off.</param>
    public async Task ContentAsync(Asked request, byte[] content, string etag = "\"1\"", int most = int.MaxValue)
    {
        var from = request.IfRange.Length == 0 || request.IfRange == etag ? request.Offset : 0;
        string[] tag = etag.Length == 0 ? [] : ["ETag: " + etag];
        if (from == 0) await HeadAsync(["200 OK", $"Content-Length: {content.Length}", .. tag]);
        else await HeadAsync(["206 Partial Content", $"Content-Length: {content.Length - from}",
            $"Content-Range: bytes {from}-{content.Length - 1}/{content.Length}", .. tag]);
        await SendAsync(content.AsMemory((int)from, (int)Math.Min(most, content.Length - from)));
    }

    /// <summary>Says nothing until the other side leaves.</summary>
    public async Task StallAsync()
    {
        var nothing = new byte[1];
        while (await stream.ReadAsync(nothing, stop) > 0) { }
    }
}
