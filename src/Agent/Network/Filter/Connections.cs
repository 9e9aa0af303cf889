using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.ConntrackConstants;

namespace Monolith.Agent.Network.Filter;

/// <summary>
/// The connections that the kernel remembers. One whose translation is no longer right is dropped by the rules, but as long as
/// it is remembered whoever sends from the same port is taken for it, and gets nowhere.
/// </summary>
internal sealed class Connections(NetlinkSocket netfilter)
{
    private static readonly byte[] Families = [(byte)LibcConstants.AF_INET, (byte)LibcConstants.AF_INET6];

    /// <summary>Forgets those that are translated by another pair of external and internal address than these.</summary>
    public void ForgetAllBut(IReadOnlySet<(string External, string Internal)> pairs)
    {
        foreach (var family in Families)
        {
            foreach (var entry in netfilter.Dump(Message(IPCTNL_MSG_CT_GET, family), "IPCTNL_MSG_CT_GET"))
            {
                if (PairsOf(entry).Any(p => !pairs.Contains(p)))
                    Forget(family, entry);
            }
        }
    }

    private void Forget(byte family, byte[] entry)
    {
        var attributes = Attributes(entry);
        // The id, so that a connection that took its place meanwhile stays.
        var message = Message(IPCTNL_MSG_CT_DELETE, family)
            .Add(CTA_TUPLE_ORIG | NetlinkConstants.NLA_F_NESTED, NetlinkAttributes.Find(attributes, CTA_TUPLE_ORIG))
            .Add(CTA_ID, NetlinkAttributes.Find(attributes, CTA_ID));
        netfilter.Request(message, "IPCTNL_MSG_CT_DELETE", LibcConstants.ENOENT);
    }

    private static List<(string External, string Internal)> PairsOf(ReadOnlySpan<byte> entry)
    {
        var attributes = Attributes(entry);
        var status = NetlinkAttributes.Find(attributes, CTA_STATUS);
        var flags = status.Length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(status) : 0;
        var pairs = new List<(string, string)>();
        if ((flags & (IPS_SRC_NAT | IPS_DST_NAT)) == 0)
            return pairs;
        var sent = NetlinkAttributes.Find(NetlinkAttributes.Find(attributes, CTA_TUPLE_ORIG), CTA_TUPLE_IP);
        var answered = NetlinkAttributes.Find(NetlinkAttributes.Find(attributes, CTA_TUPLE_REPLY), CTA_TUPLE_IP);
        if ((flags & IPS_DST_NAT) != 0)
            pairs.Add((Destination(sent), Source(answered)));
        if ((flags & IPS_SRC_NAT) != 0)
            pairs.Add((Destination(answered), Source(sent)));
        // NAT that gave everybody his own address is none: the kernel sets the flags when it only changed a port.
        pairs.RemoveAll(p => p.Item1 == p.Item2);
        return pairs;
    }

    private static string Source(ReadOnlySpan<byte> tuple) => Address(tuple, CTA_IP_V4_SRC, CTA_IP_V6_SRC);

    private static string Destination(ReadOnlySpan<byte> tuple) => Address(tuple, CTA_IP_V4_DST, CTA_IP_V6_DST);

    private static string Address(ReadOnlySpan<byte> tuple, ushort v4, ushort v6)
    {
        var bytes = NetlinkAttributes.Find(tuple, v4) is { Length: 4 } four ? four : NetlinkAttributes.Find(tuple, v6);
        return bytes.Length is 4 or 16 ? new IPAddress(bytes).ToString() : "";
    }

    private static ReadOnlySpan<byte> Attributes(ReadOnlySpan<byte> entry) =>
        entry.Length < Unsafe.SizeOf<nfgenmsg>() ? default : entry[Unsafe.SizeOf<nfgenmsg>()..];

    private static NetlinkMessage Message(ushort type, byte family) => NetlinkMessage.Of(
        (ushort)(NFNL_SUBSYS_CTNETLINK << 8 | type), 0, new nfgenmsg { nfgen_family = family });
}
