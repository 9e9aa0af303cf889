using System.Globalization;
using System.Net;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Tests.Lab;

/// <summary>Sees every frame that an interface receives or sends, as packet(7) has it.</summary>
internal sealed class Sniffer : IDisposable
{
    private readonly byte[] buffer = new byte[70_000];
    private readonly FileHandle socket;

    public Sniffer(TestNamespace where, string device)
    {
        var index = int.Parse(where.Run("ip", "-o", "link", "show", device).Split(':')[0], CultureInfo.InvariantCulture);
        var all = (ushort)IPAddress.HostToNetworkOrder((short)IfEtherConstants.ETH_P_ALL);
        using var thread = new NamespaceThread("sniff", where.Path);
        socket = thread.RunAsync(
            () =>
            {
                var fd = FileHandle.OpenSocket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, all);
                fd.Bind(
                    new sockaddr_ll { sll_family = AF_PACKET, sll_protocol = all, sll_ifindex = index },
                    $"bind(AF_PACKET {device})");
                return fd;
            },
            CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <summary>What was seen since the last time.</summary>
    public IReadOnlyList<byte[]> Receive()
    {
        var frames = new List<byte[]>();
        while (true)
        {
            var length = (int)Libc.recv(socket, buffer, (nuint)buffer.Length, MSG_DONTWAIT);
            if (length <= 0)
                return frames;
            frames.Add(buffer[..length]);
        }
    }

    public void Dispose() => socket.Dispose();
}
