using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Monolith.Agent.Native.Raw;

[CStruct("linux/if_packet.h", "struct sockaddr_ll")]
[StructLayout(LayoutKind.Sequential)]
internal struct sockaddr_ll
{
    public ushort sll_family;

    /// <summary>In network byte order.</summary>
    public ushort sll_protocol;
    public int sll_ifindex;
    public ushort sll_hatype;
    public byte sll_pkttype;
    public byte sll_halen;
    public LinkAddressBytes sll_addr;
}

[InlineArray(8)]
internal struct LinkAddressBytes
{
    private byte first;
}

[CConstants("linux/if_ether.h")]
internal static class IfEtherConstants
{
    public const ushort ETH_P_IP = 0x0800, ETH_P_ARP = 0x0806, ETH_P_IPV6 = 0x86dd, ETH_P_ALL = 3;
}
