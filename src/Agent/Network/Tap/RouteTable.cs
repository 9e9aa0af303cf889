using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network.Invariants;
using static Monolith.Agent.Native.Raw.LibcConstants;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Tap;

/// <summary>A /32 or /128 route to an interface.</summary>
/// <param name="Index"><see cref="Nowhere"/>: the address is drawn here, and what is not an answer to a guest is dropped.</param>
/// <param name="Within">The fabric keeps it to itself: a prefix is announced beyond it.</param>
internal readonly record struct HostRoute(IPAddress Address, int Index, bool Within = false)
{
    public const int Nowhere = 0;
}

/// <summary>
/// Host routes of our own protocol number; BIRD learns exactly these and announces them to the fabric.
/// </summary>
/// <param name="strict">For dumps: a large fabric's routes are many, and change while they are listed.</param>
internal sealed class RouteTable(NetlinkSocket netlink, NetlinkSocket strict)
{
    public const byte Protocol = 42;

    // IPv6 routes without a metric get 1024, and lose against what a routing daemon learns of the same address.
    private const uint Metric6 = 1;

    /// <summary>The metric is what a routing daemon sees of a route, in both families: by this one it knows which to keep.</summary>
    public const uint MetricWithin = 2;

    public IReadOnlyList<HostRoute> List()
    {
        var result = new List<HostRoute>();
        foreach (var body in Own(strict))
        {
            if (!MemoryMarshal.TryRead<rtmsg>(body, out var header) || header.rtm_protocol != Protocol
                || header.rtm_table != RT_TABLE_MAIN)
                continue;
            ReadOnlySpan<byte> rest = body.AsSpan(Unsafe.SizeOf<rtmsg>());
            var destination = NetlinkAttributes.Find(rest, RTA_DST);
            var index = NetlinkAttributes.Find(rest, RTA_OIF);
            var within = MemoryMarshal.TryRead<uint>(NetlinkAttributes.Find(rest, RTA_PRIORITY), out var metric) && metric == MetricWithin;
            if (destination.Length * 8 != header.rtm_dst_len)
                continue;
            // IPv6 shows the loopback's index for these.
            if (header.rtm_type == RTN_BLACKHOLE)
                result.Add(new HostRoute(new IPAddress(destination), HostRoute.Nowhere, within));
            else if (MemoryMarshal.TryRead<int>(index, out var link))
                result.Add(new HostRoute(new IPAddress(destination), link, within));
        }

        return result;
    }

    /// <summary>Routes of our protocol, of all tables.</summary>
    public static List<byte[]> Own(NetlinkSocket strict) =>
        strict.Dump(NetlinkMessage.Of(RTM_GETROUTE, 0, new rtmsg { rtm_protocol = Protocol }), "RTM_GETROUTE");

    /// <summary>The index of the interface by which a packet would be forwarded; null: by none.</summary>
    /// <param name="from">Index of the interface that it came in by.</param>
    public int? WayTo(IPAddress destination, IPAddress source, int from)
    {
        var (to, by) = (destination.GetAddressBytes(), source.GetAddressBytes());
        var header = new rtmsg
        {
            rtm_family = AddressTable.FamilyOf(destination), rtm_dst_len = (byte)(to.Length * 8), rtm_src_len = (byte)(by.Length * 8),
        };
        var question = NetlinkMessage.Of(RTM_GETROUTE, 0, header).Add(RTA_DST, to).Add(RTA_SRC, by).Add(RTA_IIF, (uint)from);
        // EINVAL is a blackhole's answer.
        var body = netlink.Get(question, $"RTM_GETROUTE {destination}", ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL);
        if (body is null || !MemoryMarshal.TryRead<rtmsg>(body, out var found) || found.rtm_type != RTN_UNICAST)
            return null;
        var index = NetlinkAttributes.Find(body.AsSpan(Unsafe.SizeOf<rtmsg>()), RTA_OIF);
        return MemoryMarshal.TryRead<int>(index, out var link) ? link : null;
    }

    public void Add(HostRoute route) => netlink.Request(
        Message(RTM_NEWROUTE, NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_REPLACE, route),
        $"RTM_NEWROUTE {route.Address} dev {route.Index}");

    /// <summary>Removes a route; one that is not there is fine.</summary>
    public void Remove(HostRoute route) =>
        netlink.Request(
            Message(RTM_DELROUTE, 0, route), $"RTM_DELROUTE {route.Address} dev {route.Index}", ESRCH, ENODEV);

    /// <summary>Removes a route of whoever made it, as far as it leads to this interface.</summary>
    public void Remove(RouteFact route, int index)
    {
        var header = new rtmsg
        {
            rtm_family = AddressTable.FamilyOf(route.Destination),
            rtm_dst_len = (byte)route.Length,
            rtm_protocol = route.Protocol,
            rtm_scope = RT_SCOPE_NOWHERE,
            rtm_type = route.Type,
        };
        var message = NetlinkMessage.Of(RTM_DELROUTE, 0, header)
            .Add(RTA_DST, route.Destination)
            .Add(RTA_OIF, (uint)index)
            .Add(RTA_TABLE, route.Table)
            .Add(RTA_PRIORITY, route.Metric);
        netlink.Request(message, $"RTM_DELROUTE {route} dev {index}", ESRCH, ENODEV);
    }

    private static NetlinkMessage Message(ushort type, ushort flags, HostRoute route)
    {
        var address = route.Address.GetAddressBytes();
        var header = new rtmsg
        {
            rtm_family = AddressTable.FamilyOf(route.Address),
            rtm_dst_len = (byte)(address.Length * 8),
            rtm_table = RT_TABLE_MAIN,
            rtm_protocol = Protocol,
            rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : address.Length == 4 && route.Index != HostRoute.Nowhere
                ? RT_SCOPE_LINK
                : RT_SCOPE_UNIVERSE,
            rtm_type = route.Index == HostRoute.Nowhere ? RTN_BLACKHOLE : RTN_UNICAST,
        };
        var message = NetlinkMessage.Of(type, flags, header).Add(RTA_DST, address);
        if (route.Within)
            message.Add(RTA_PRIORITY, MetricWithin);
        else if (address.Length == 16)
            message.Add(RTA_PRIORITY, Metric6);
        return route.Index == HostRoute.Nowhere ? message : message.Add(RTA_OIF, (uint)route.Index);
    }
}
