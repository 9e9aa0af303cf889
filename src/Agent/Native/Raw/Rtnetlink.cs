using System.Runtime.InteropServices;

#pragma warning disable CS8981 // Structs keep the names that they have in C.

namespace Monolith.Agent.Native.Raw;

[CStruct("linux/rtnetlink.h", "struct ifinfomsg")]
[StructLayout(LayoutKind.Sequential)]
internal struct ifinfomsg
{
    public byte ifi_family;
    public byte __ifi_pad;
    public ushort ifi_type;
    public int ifi_index;
    public uint ifi_flags;
    public uint ifi_change;
}

[CStruct("linux/if_addr.h", "struct ifaddrmsg")]
[StructLayout(LayoutKind.Sequential)]
internal struct ifaddrmsg
{
    public byte ifa_family;
    public byte ifa_prefixlen;
    public byte ifa_flags;
    public byte ifa_scope;
    public uint ifa_index;
}

[CStruct("linux/rtnetlink.h", "struct rtmsg")]
[StructLayout(LayoutKind.Sequential)]
internal struct rtmsg
{
    public byte rtm_family;
    public byte rtm_dst_len;
    public byte rtm_src_len;
    public byte rtm_tos;
    public byte rtm_table;
    public byte rtm_protocol;
    public byte rtm_scope;
    public byte rtm_type;
    public uint rtm_flags;
}

[CStruct("linux/neighbour.h", "struct ndmsg")]
[StructLayout(LayoutKind.Sequential)]
internal struct ndmsg
{
    public byte ndm_family;
    public byte ndm_pad1;
    public ushort ndm_pad2;
    public int ndm_ifindex;
    public ushort ndm_state;
    public byte ndm_flags;
    public byte ndm_type;
}

[CStruct("linux/rtnetlink.h", "struct rtnexthop")]
[StructLayout(LayoutKind.Sequential)]
internal struct rtnexthop
{
    public ushort rtnh_len;
    public byte rtnh_flags;
    public byte rtnh_hops;
    public int rtnh_ifindex;
}

[CConstants("linux/rtnetlink.h", "linux/if_link.h", "linux/if_addr.h", "linux/neighbour.h")]
internal static class RtnetlinkConstants
{
    public const uint RTMGRP_LINK = 1, RTMGRP_IPV4_ROUTE = 0x40, RTMGRP_IPV6_ROUTE = 0x400;
    public const uint RTEXT_FILTER_SKIP_STATS = 1 << 3;

    public const ushort RTM_NEWLINK = 16, RTM_DELLINK = 17, RTM_GETLINK = 18, RTM_SETLINK = 19;
    public const ushort RTM_NEWADDR = 20, RTM_DELADDR = 21, RTM_GETADDR = 22;
    public const ushort RTM_NEWROUTE = 24, RTM_DELROUTE = 25, RTM_GETROUTE = 26;
    public const ushort RTM_NEWNEIGH = 28, RTM_DELNEIGH = 29, RTM_GETNEIGH = 30;

    public const ushort IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_LINKINFO = 18, IFLA_IFALIAS = 20;
    public const ushort IFLA_AF_SPEC = 26, IFLA_CARRIER = 33, IFLA_PROMISCUITY = 30;
    public const ushort IFLA_LINK = 5, IFLA_MASTER = 10, IFLA_EXT_MASK = 29, IFLA_LINK_NETNSID = 37;
    public const ushort IFLA_INET_CONF = 1, IFLA_INET6_CONF = 2;
    public const ushort IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2;
    public const ushort IFLA_TUN_OWNER = 1, IFLA_TUN_GROUP = 2, IFLA_TUN_TYPE = 3, IFLA_TUN_PERSIST = 6;
    public const ushort IFLA_INET6_ADDR_GEN_MODE = 8;
    public const byte IN6_ADDR_GEN_MODE_NONE = 1;

    public const ushort IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_FLAGS = 8;
    public const byte IFA_F_NODAD = 2;

    public const ushort RTA_DST = 1, RTA_SRC = 2, RTA_IIF = 3, RTA_OIF = 4, RTA_PRIORITY = 6, RTA_MULTIPATH = 9, RTA_TABLE = 15;
    public const byte RT_TABLE_MAIN = 254, RTN_UNICAST = 1, RTN_LOCAL = 2, RTN_BLACKHOLE = 6, RTPROT_KERNEL = 2;
    public const uint RTNH_F_DEAD = 1, RTNH_F_LINKDOWN = 16;
    public const uint RTM_F_CLONED = 0x200;
    public const byte RT_SCOPE_UNIVERSE = 0, RT_SCOPE_LINK = 253, RT_SCOPE_NOWHERE = 255;

    public const ushort NDA_DST = 1, NDA_LLADDR = 2, NDA_IFINDEX = 8;
    public const ushort NUD_NOARP = 0x40, NUD_PERMANENT = 0x80;
}
