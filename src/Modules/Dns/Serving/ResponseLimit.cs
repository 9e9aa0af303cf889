using System.Net;
using System.Net.Sockets;

namespace Monolith.Dns.Serving;

/// <summary>
/// Response rate limiting: so many UDP answers a second to one network, since UDP sources can be forged and answers
/// are larger than questions. A fixed table of slots: networks that share one share its allowance, and no flood makes
/// it grow.
/// </summary>
internal sealed class ResponseLimit(int perSecond, TimeProvider time)
{
    const int Slots = 16384;

    struct Slot
    {
        public long Second;
        public int Sent;
    }

    readonly Slot[] slots = new Slot[Slots];
    readonly int seed = Random.Shared.Next();
    readonly long start = time.GetTimestamp();

    public enum Verdict { Answer, Truncate, Drop }

    /// <summary>Of one thread.</summary>
    public Verdict Judge(SocketAddress source)
    {
        if (perSecond <= 0 || IsLoopback(source)) return Verdict.Answer;
        ref var slot = ref slots[(uint)HashCode.Combine(seed, Network(source)) % Slots];
        var second = (long)time.GetElapsedTime(start).TotalSeconds;
        if (slot.Second != second) (slot.Second, slot.Sent) = (second, 0);
        if (slot.Sent < int.MaxValue) slot.Sent++;
        return slot.Sent <= perSecond ? Verdict.Answer : (slot.Sent & 1) == 0 ? Verdict.Truncate : Verdict.Drop;
    }

    // sockaddr_in has the address at 4, sockaddr_in6 at 8.
    static bool IsLoopback(SocketAddress source) => source.Family == AddressFamily.InterNetwork
        ? source[4] == 127
        : new IPAddress(source.Buffer.Span.Slice(8, 16)) is var address && (IPAddress.IsLoopback(address)
            || address.IsIPv4MappedToIPv6 && source[20] == 127);

    static ulong Network(SocketAddress source)
    {
        var (from, count) = source.Family == AddressFamily.InterNetwork ? (4, 3) : (8, 7);
        var network = (ulong)source.Family;
        for (var i = 0; i < count; i++) network = network << 8 | source[from + i];
        return network;
    }
}
