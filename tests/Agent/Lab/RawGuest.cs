using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network;
using static Monolith.Agent.Native.Raw.IfEtherConstants;
using static Monolith.Agent.Native.Raw.IfTunConstants;
using static Monolith.Agent.Native.Raw.LibcConstants;

namespace Monolith.Agent.Tests.Lab;

/// <summary>
/// A guest without a kernel: the test holds its tap, sends whatever bytes it likes, and sees all that comes. It answers
/// for its addresses when it is asked who has them, and nothing else by itself.
/// </summary>
internal sealed class RawGuest : IDisposable
{
    /// <summary>struct virtio_net_hdr, in front of each frame as QEMU has it: no offloads.</summary>
    private const int HeaderLength = 10;

    private readonly byte[] buffer = new byte[HeaderLength + 70_000];
    private readonly FileHandle tap;

    /// <summary>Opens the tap, which gets carrier; makes it where it is not there.</summary>
    public RawGuest(TestNamespace where, string tapName, MacAddress mac, IReadOnlyList<IPAddress> addresses)
    {
        (Mac, Addresses) = (mac, addresses);
        using var thread = new NamespaceThread("raw", where.Path);
        tap = thread.RunAsync(() => Open(tapName), CancellationToken.None).GetAwaiter().GetResult();
    }

    public MacAddress Mac { get; }

    public IReadOnlyList<IPAddress> Addresses { get; }

    public IPAddress Address(bool v6) => Addresses.First(
        a => a.AddressFamily == (v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork));

    /// <summary>Sends one frame. A frame that the kernel refuses is lost, as on a wire.</summary>
    public void Send(byte[] frame) => SendWrapped(Wrap(frame));

    /// <summary>A frame as <see cref="SendWrapped"/> takes it, for who sends the same one often.</summary>
    public static byte[] Wrap(byte[] frame) => [.. new byte[HeaderLength], .. frame];

    public void SendWrapped(byte[] bytes) => Libc.write(tap, bytes, (nuint)bytes.Length);

    /// <summary>Sends a packet to the gateway.</summary>
    public void SendPacket(byte[] packet) => Send(Frames.Ethernet(Gateway.Mac, Mac, packet));

    /// <summary>The frames that wait at the tap, but questions for its neighbours: those are answered.</summary>
    public IReadOnlyList<byte[]> Receive()
    {
        var frames = new List<byte[]>();
        while (true)
        {
            var length = (int)Libc.read(tap, buffer, (nuint)buffer.Length);
            if (length <= HeaderLength)
                return frames;
            var frame = buffer.AsSpan(HeaderLength, length - HeaderLength);
            if (!Answer(frame))
                frames.Add(frame.ToArray());
        }
    }

    public void Dispose() => tap.Dispose();

    /// <returns>Whether the frame was a question of neighbours, for whomever.</returns>
    private bool Answer(ReadOnlySpan<byte> frame)
    {
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        if (type == ETH_P_ARP && frame.Length >= 42 && frame[21] == 1)
        {
            var (asker, target) = (MacAddress.Read(frame[22..]), new IPAddress(frame.Slice(38, 4)));
            if (Addresses.Contains(target))
            {
                Send(Frames.Ethernet(
                    asker, Mac, ETH_P_ARP, Frames.Arp(2, Mac, target, asker, new IPAddress(frame.Slice(28, 4)))));
            }

            return true;
        }

        if (type != ETH_P_IPV6 || frame.Length < 78 || frame[20] != Frames.IcmpV6Protocol || frame[54] != 135)
            return false;
        var (source, wanted) = (new IPAddress(frame.Slice(22, 16)), new IPAddress(frame.Slice(62, 16)));
        if (Addresses.Contains(wanted))
        {
            Send(Frames.Ethernet(
                MacAddress.Read(frame[6..]), Mac, Frames.NeighbourAdvert(wanted, source, wanted, Mac)));
        }

        return true;
    }

    /// <summary>Opens a tap as a guest does, without waiting in reads, in the calling thread's namespace.</summary>
    internal static FileHandle Open(string name)
    {
        var fd = FileHandle.Open("/dev/net/tun", O_RDWR | O_NONBLOCK);
        var request = new ifreq { ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
        Encoding.ASCII.GetBytes(name, request.ifr_name);
        return Libc.ioctl(fd, TUNSETIFF, MemoryMarshal.AsBytes(new Span<ifreq>(ref request))) == 0
            ? fd
            : throw ErrnoException.Last($"ioctl(TUNSETIFF {name})");
    }
}
