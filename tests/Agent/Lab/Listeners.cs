using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Tests.Lab;

/// <summary>TCP listeners of both families in a namespace. The kernel accepts; nobody reads.</summary>
internal sealed class Listeners : IDisposable
{
    private readonly List<Socket> sockets;

    public Listeners(TestNamespace where, params int[] ports)
    {
        using var thread = new NamespaceThread("listen", where.Path);
        sockets = thread.RunAsync(() => ports.Select(Open).ToList(), CancellationToken.None).GetAwaiter().GetResult();
    }

    public void Dispose() => sockets.ForEach(s => s.Dispose());

    private static Socket Open(int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen(16);
        _ = CloseAcceptedAsync(socket);
        return socket;
    }

    /// <summary>Closes what was accepted, so that a client that waits for the end sees it.</summary>
    private static async Task CloseAcceptedAsync(Socket socket)
    {
        try
        {
            while (true)
                (await socket.AcceptAsync()).Dispose();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }
}
