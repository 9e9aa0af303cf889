using System.Runtime.InteropServices;

#pragma warning disable CS8981 // Structs keep the names that they have in C.

namespace Monolith.Agent.Native.Raw;

/// <summary><c>struct ifreq</c> with the member of its union that the TUN ioctls use.</summary>
[CStruct("net/if.h", "struct ifreq")]
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal struct ifreq
{
    public InterfaceNameBytes ifr_name;
    public short ifr_flags;
}

/// <summary>A zero-terminated interface name of at most 15 bytes.</summary>
[System.Runtime.CompilerServices.InlineArray(LibcConstants.IFNAMSIZ)]
internal struct InterfaceNameBytes
{
    private byte first;
}

[CConstants("sys/ioctl.h", "linux/if_tun.h")]
internal static class IfTunConstants
{
    public const uint TUNSETIFF = 0x400454ca, TUNSETPERSIST = 0x400454cb, TUNSETOWNER = 0x400454cc;
    public const uint TUNSETGROUP = 0x400454ce, TUNSETOFFLOAD = 0x400454d0;
    public const short IFF_TAP = 2, IFF_NO_PI = 0x1000, IFF_VNET_HDR = 0x4000;
    public const ushort IFF_TUN_EXCL = 0x8000;
}
