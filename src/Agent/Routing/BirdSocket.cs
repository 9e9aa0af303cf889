using System.Net.Sockets;
using System.Text;

namespace Monolith.Agent.Routing;

/// <summary>One conversation on BIRD's control socket: a greeting, then one reply for each command.</summary>
internal sealed class BirdSocket : IDisposable
{
    private const int MaxReply = 16 * 1024 * 1024;
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly StringBuilder rest = new();

    private BirdSocket()
    {
    }

    public static async Task<BirdSocket> OpenAsync(string path, CancellationToken cancellation)
    {
        var bird = new BirdSocket();
        try
        {
            await bird.socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            await bird.ReadAsync(cancellation);
            return bird;
        }
        catch (SocketException e)
        {
            bird.Dispose();
            throw new IOException($"BIRD does not answer at {path}: {e.Message}. See that bird runs with -s {path}", e);
        }
        catch
        {
            bird.Dispose();
            throw;
        }
    }

    /// <param name="tolerated">Error code that is an answer too.</param>
    /// <exception cref="IOException">BIRD refused the command or went away.</exception>
    public async Task<BirdReply> AskAsync(string command, CancellationToken cancellation, int? tolerated = null)
    {
        try
        {
            var bytes = Encoding.ASCII.GetBytes(command + '\n');
            await socket.SendAsync(bytes, SocketFlags.None, cancellation);
            var reply = await ReadAsync(cancellation);
            return reply.IsError && reply.Code != tolerated
                ? throw new IOException(
                    $"BIRD refused '{command}': {string.Join(' ', reply.Lines.Select(l => l.Text))}")
                : reply;
        }
        catch (SocketException e)
        {
            throw new IOException($"BIRD went away during '{command}': {e.Message}", e);
        }
    }

    public void Dispose() => socket.Dispose();

    private async Task<BirdReply> ReadAsync(CancellationToken cancellation)
    {
        var lines = new List<string>();
        var buffer = new byte[16 * 1024];
        var total = 0;
        while (true)
        {
            if (TakeLines(lines) && BirdReply.TryParse(lines, out var reply))
                return reply;
            var got = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation);
            total += got;
            if (got == 0 || total > MaxReply)
                throw new IOException(
                    got == 0 ? "BIRD closed its control socket" : $"BIRD's reply is over {MaxReply} bytes");
            rest.Append(Encoding.ASCII.GetString(buffer, 0, got));
        }
    }

    /// <summary>Moves whole lines out of what has arrived; true when there were some.</summary>
    private bool TakeLines(List<string> lines)
    {
        var text = rest.ToString();
        var end = text.LastIndexOf('\n');
        if (end < 0)
            return false;
        lines.AddRange(text[..end].Split('\n'));
        rest.Clear().Append(text.AsSpan(end + 1));
        return true;
    }
}
