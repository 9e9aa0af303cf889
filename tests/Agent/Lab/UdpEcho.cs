using System.Net;
using System.Net.Sockets;
using System.Text;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Tests.Lab;

/// <summary>Tells whoever asks, by UDP of either family, which address the question came from.</summary>
internal sealed class UdpEcho : IDisposable
{
    private readonly Socket socket;
    private readonly int port;
    private int heard;

    public UdpEcho(TestNamespace where, int port)
    {
        this.port = port;
        socket = Sockets.In(where, AddressFamily.InterNetworkV6, s =>
        {
            s.DualMode = true;
            s.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        });
        _ = AnswerAsync();
    }

    /// <summary>How many questions came.</summary>
    public int Heard => Volatile.Read(ref heard);

    /// <returns>The address that the asker is known by; empty when no answer came.</returns>
    public string AskFrom(TestNamespace asker, string target)
    {
        using var flow = new UdpFlow(asker, target, port);
        return flow.Ask();
    }

    public string AskFromAndEnd(TestNamespace asker, string target)
    {
        using (this)
            return AskFrom(asker, target);
    }

    public void Dispose() => socket.Dispose();

    private async Task AnswerAsync()
    {
        var buffer = new byte[64];
        try
        {
            while (true)
            {
                var question = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.IPv6Any, 0));
                Interlocked.Increment(ref heard);
                var address = ((IPEndPoint)question.RemoteEndPoint).Address;
                var text = (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
                await socket.SendToAsync(Encoding.ASCII.GetBytes(text), SocketFlags.None, question.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }
}

/// <summary>Questions from one source port: to the kernel they are one connection.</summary>
internal sealed class UdpFlow : IDisposable
{
    private const int Attempts = 3, PatienceMs = 400;
    private readonly Socket socket;

    public UdpFlow(TestNamespace from, string target, int port)
    {
        var address = IPAddress.Parse(target);
        socket = Sockets.In(from, address.AddressFamily, s => s.Connect(address, port));
        socket.ReceiveTimeout = PatienceMs;
    }

    public bool Asks() => Ask().Length > 0;

    /// <returns>The answer; empty when none came.</returns>
    public string Ask()
    {
        var buffer = new byte[64];
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            try
            {
                socket.Send("?"u8);
                return Encoding.ASCII.GetString(buffer.AsSpan(0, socket.Receive(buffer)));
            }
            catch (SocketException)
            {
                // Nobody, or not yet: a neighbour may have to be found first.
            }
        }

        return "";
    }

    public void Dispose() => socket.Dispose();
}

internal static class Sockets
{
    /// <summary>A UDP socket of a namespace: it stays there, whoever uses it.</summary>
    public static Socket In(TestNamespace where, AddressFamily family, Action<Socket> begin)
    {
        using var thread = new NamespaceThread("udp", where.Path);
        return thread.RunAsync(
            () =>
            {
                var socket = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
                begin(socket);
                return socket;
            },
            CancellationToken.None).GetAwaiter().GetResult();
    }
}
