using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Tap;

/// <summary>Who has an address on a link.</summary>
/// <param name="Mac">Zero while nobody has answered.</param>
/// <param name="Permanent">Said by us: the kernel asks nobody, believes nobody else, and keeps it however many there are.</param>
internal readonly record struct Neighbour(int Index, IPAddress Address, MacAddress Mac, bool Permanent);

/// <summary>Neighbours of interfaces over rtnetlink(7).</summary>
internal sealed class NeighbourTable(NetlinkSocket netlink)
{
    /// <param name="index">The interface; null is all of them.</param>
    public IReadOnlyList<Neighbour> List(int? index = null)
    {
        var question = NetlinkMessage.Of(RTM_GETNEIGH, 0, default(ndmsg));
        if (index is { } one)
            question.Add(NDA_IFINDEX, (uint)one);
        var result = new List<Neighbour>();
        foreach (var body in netlink.Dump(question, "RTM_GETNEIGH"))
        {
            if (!MemoryMarshal.TryRead<ndmsg>(body, out var header) || (header.ndm_state & NUD_NOARP) != 0)
                continue;
            ReadOnlySpan<byte> rest = body.AsSpan(Unsafe.SizeOf<ndmsg>());
            var address = NetlinkAttributes.Find(rest, NDA_DST);
            var mac = NetlinkAttributes.Find(rest, NDA_LLADDR);
            if (address.Length is 4 or 16)
            {
                result.Add(new Neighbour(
                    header.ndm_ifindex, new IPAddress(address),
                    mac.Length == MacAddress.Length ? MacAddress.Read(mac) : default,
                    (header.ndm_state & NUD_PERMANENT) != 0));
            }
        }

        return result;
    }

    /// <summary>Says who has the address, for as long as the interface is up.</summary>
    public void SetPermanent(int index, IPAddress address, MacAddress mac, string interfaceName) => netlink.Request(
        NetlinkMessage.Of(
            RTM_NEWNEIGH, NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_REPLACE,
            new ndmsg { ndm_family = AddressTable.FamilyOf(address), ndm_ifindex = index, ndm_state = NUD_PERMANENT })
            .Add(NDA_DST, address).Add(NDA_LLADDR, mac.ToBytes()),
        $"RTM_NEWNEIGH {address} lladdr {mac} dev {interfaceName}");

    /// <summary>Forgets who has the address; one that is not there is fine.</summary>
    public void Remove(int index, IPAddress address, string interfaceName) => netlink.Request(
        NetlinkMessage.Of(
            RTM_DELNEIGH, 0, new ndmsg { ndm_family = AddressTable.FamilyOf(address), ndm_ifindex = index })
            .Add(NDA_DST, address),
        $"RTM_DELNEIGH {address} dev {interfaceName}", LibcConstants.ENOENT);
}
