using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.LibcConstants;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Tap;

/// <summary>
/// Prefixes that stand for addresses beyond the fabric. They are in a table of their own, which a routing daemon reads and no
/// packet is forwarded by: to this machine the rest of a prefix is not here, but somewhere in the fabric.
/// </summary>
/// <param name="strict">As for routes.</param>
internal sealed class AggregateTable(NetlinkSocket netlink, NetlinkSocket strict)
{
    public const byte Table = 42;

    public IReadOnlyList<IPNetwork> List()
    {
        var result = new List<IPNetwork>();
        foreach (var body in RouteTable.Own(strict))
        {
            if (MemoryMarshal.TryRead<rtmsg>(body, out var header) && header is { rtm_protocol: RouteTable.Protocol, rtm_table: Table }
                && NetlinkAttributes.Find(body.AsSpan(Unsafe.SizeOf<rtmsg>()), RTA_DST) is { Length: 4 or 16 } destination)
                result.Add(new IPNetwork(new IPAddress(destination), header.rtm_dst_len));
        }

        return result;
    }

    public void Add(IPNetwork prefix) => netlink.Request(
        Message(RTM_NEWROUTE, NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_REPLACE, prefix), $"RTM_NEWROUTE {prefix} table {Table}");

    /// <summary>Removes a prefix; one that is not there is fine.</summary>
    public void Remove(IPNetwork prefix) => netlink.Request(
        Message(RTM_DELROUTE, 0, prefix), $"RTM_DELROUTE {prefix} table {Table}", ESRCH, ENODEV);

    private static NetlinkMessage Message(ushort type, ushort flags, IPNetwork prefix) => NetlinkMessage.Of(type, flags, new rtmsg
    {
        rtm_family = AddressTable.FamilyOf(prefix.BaseAddress),
        rtm_dst_len = (byte)prefix.PrefixLength,
        rtm_table = Table,
        rtm_protocol = RouteTable.Protocol,
        rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE,
        rtm_type = RTN_BLACKHOLE,
    }).Add(RTA_DST, prefix.BaseAddress.GetAddressBytes());
}
