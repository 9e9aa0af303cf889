namespace Monolith.Agent.Native.Raw;

[CConstants(
    "linux/netlink.h",
    "linux/netfilter/nfnetlink.h",
    "linux/netfilter/nfnetlink_conntrack.h",
    "linux/netfilter/nf_conntrack_common.h")]
internal static class ConntrackConstants
{
    public const int NETLINK_NETFILTER = 12;
    public const ushort NFNL_SUBSYS_CTNETLINK = 1, IPCTNL_MSG_CT_GET = 1, IPCTNL_MSG_CT_DELETE = 2;
    public const ushort CTA_TUPLE_ORIG = 1, CTA_TUPLE_REPLY = 2, CTA_STATUS = 3, CTA_ID = 12;
    public const ushort CTA_TUPLE_IP = 1, CTA_IP_V4_SRC = 1, CTA_IP_V4_DST = 2, CTA_IP_V6_SRC = 3, CTA_IP_V6_DST = 4;
    public const uint IPS_SRC_NAT = 16, IPS_DST_NAT = 32;
}
