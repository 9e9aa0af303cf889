using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Invariants;

/// <summary>
/// Reads routes of all tables, when there is something new: a large fabric's are many, and the kernel tells of each change.
/// </summary>
internal sealed class RouteFacts : IDisposable
{
    private readonly NetlinkSocket netlink;
    private readonly Socket changes = NetlinkSocket.Multicast(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
    private readonly byte[] buffer = new byte[32 * 1024];
    private IReadOnlyList<RouteFact>? known;

    public RouteFacts(NetlinkSocket netlink) => (this.netlink, changes.Blocking) = (netlink, false);

    /// <param name="linksChanged">Of what goes with a link the kernel says nothing.</param>
    public IReadOnlyList<RouteFact> List(bool linksChanged)
    {
        if (Changed() || linksChanged || known is null)
        {
            known =
            [
                .. netlink.Dump(NetlinkMessage.Of(RTM_GETROUTE, 0, default(rtmsg)), "RTM_GETROUTE")
                    .Select(b => Parse(b))
                    .OfType<RouteFact>(),
            ];
        }

        return known;
    }

    public void Dispose() => changes.Dispose();

    /// <summary>Reads a RTM_NEWROUTE; null when it is not one, or a cached one.</summary>
    public static RouteFact? Parse(ReadOnlySpan<byte> body)
    {
        if (!MemoryMarshal.TryRead<rtmsg>(body, out var header) || (header.rtm_flags & RTM_F_CLONED) != 0)
            return null;
        var any = header.rtm_family == LibcConstants.AF_INET ? IPAddress.Any
            : header.rtm_family == LibcConstants.AF_INET6 ? IPAddress.IPv6Any : null;
        if (any is null)
            return null;
        var (destination, table, metric) = (any, (uint)header.rtm_table, 0u);
        var links = new List<int>();
        var attributes = new NetlinkAttributes(body[Unsafe.SizeOf<rtmsg>()..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case RTA_DST when attributes.Value.Length is 4 or 16:
                    destination = new IPAddress(attributes.Value);
                    break;
                case RTA_TABLE:
                    table = attributes.UInt32;
                    break;
                case RTA_PRIORITY:
                    metric = attributes.UInt32;
                    break;
                case RTA_OIF when IsAlive(header.rtm_flags):
                    links.Add((int)attributes.UInt32);
                    break;
                case RTA_MULTIPATH:
                    AddHops(links, attributes.Value);
                    break;
            }
        }

        return new RouteFact(
            destination, header.rtm_dst_len, table, header.rtm_protocol, header.rtm_type, metric, links);
    }

    private static void AddHops(List<int> links, ReadOnlySpan<byte> hops)
    {
        while (MemoryMarshal.TryRead<rtnexthop>(hops, out var hop) && hop.rtnh_len >= Unsafe.SizeOf<rtnexthop>())
        {
            if (IsAlive(hop.rtnh_flags))
                links.Add(hop.rtnh_ifindex);
            hops = hops[Math.Min(NetlinkMessage.Align(hop.rtnh_len), hops.Length)..];
        }
    }

    private static bool IsAlive(uint flags) => (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) == 0;

    private bool Changed()
    {
        var changed = false;
        while (true)
        {
            try
            {
                changed |= changes.Receive(buffer) > 0;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                return changed;
            }
            catch (SocketException)
            {
                // ENOBUFS: some were lost.
                changed = true;
            }
        }
    }
}
