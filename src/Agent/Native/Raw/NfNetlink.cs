using System.Runtime.InteropServices;

#pragma warning disable CS8981 // Structs keep the names that they have in C.

namespace Monolith.Agent.Native.Raw;

[CStruct("linux/netfilter/nfnetlink.h", "struct nfgenmsg")]
[StructLayout(LayoutKind.Sequential)]
internal struct nfgenmsg
{
    public byte nfgen_family;
    public byte version;
    public ushort res_id;
}

[CConstants("linux/netfilter/nfnetlink.h", "linux/netfilter/nf_tables.h")]
internal static class NfNetlinkConstants
{
    public const ushort NFNL_SUBSYS_NFTABLES = 10;
    public const ushort NFT_MSG_GETGEN = 16;
    public const ushort NFTA_GEN_ID = 1;
}
