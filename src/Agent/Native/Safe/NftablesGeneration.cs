using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Monolith.Agent.Native.Raw;
using static Monolith.Agent.Native.Raw.NfNetlinkConstants;

namespace Monolith.Agent.Native.Safe;

/// <summary>
/// The generation of a namespace's rule set: the kernel counts every transaction, whoever made it. Stays in the namespace in
/// which it was made.
/// </summary>
internal sealed class NftablesGeneration : IDisposable
{
    private const string Call = "NFT_MSG_GETGEN";
    private readonly NetlinkSocket netlink = new(NetlinkConstants.NETLINK_NETFILTER);

    public uint Read()
    {
        var message = NetlinkMessage.Of((ushort)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN), 0, default(nfgenmsg));
        var body = netlink.Get(message, Call);
        var id = body is null ? default : NetlinkAttributes.Find(body.AsSpan(Unsafe.SizeOf<nfgenmsg>()), NFTA_GEN_ID);
        return BinaryPrimitives.TryReadUInt32BigEndian(id, out var generation)
            ? generation
            : throw new IOException($"{Call}: the kernel tells no generation");
    }

    public void Dispose() => netlink.Dispose();
}
