using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.LibcConstants;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Tap;

/// <summary>One interface as the kernel tells it.</summary>
/// <param name="Alias">Text that the agent leaves on its taps: the port's id.</param>
/// <param name="Carrier">Up, and a guest holds the tap open.</param>
internal sealed record Link(
    int Index,
    string Name,
    string Kind,
    MacAddress Mac,
    int Mtu,
    string Alias,
    bool Up,
    bool Carrier,
    uint Owner,
    uint Group,
    bool Persistent)
{
    /// <summary>TUN has no owner or group.</summary>
    public const uint Nobody = uint.MaxValue;

    /// <summary>Reads a RTM_NEWLINK or RTM_DELLINK; null when it is not one.</summary>
    public static Link? Parse(ReadOnlySpan<byte> body)
    {
        if (!MemoryMarshal.TryRead<ifinfomsg>(body, out var header))
            return null;
        string name = "", alias = "", kind = "";
        var mac = default(MacAddress);
        var mtu = 0;
        var carrier = (header.ifi_flags & IFF_RUNNING) != 0;
        var (owner, group, persistent) = (Nobody, Nobody, false);
        var attributes = new NetlinkAttributes(body[Unsafe.SizeOf<ifinfomsg>()..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case IFLA_IFNAME:
                    name = attributes.Text;
                    break;
                case IFLA_IFALIAS:
                    alias = attributes.Text;
                    break;
                case IFLA_MTU:
                    mtu = (int)attributes.UInt32;
                    break;
                case IFLA_ADDRESS when attributes.Value.Length == MacAddress.Length:
                    mac = MacAddress.Read(attributes.Value);
                    break;
                case IFLA_CARRIER:
                    carrier &= attributes.Byte == 1;
                    break;
                case IFLA_LINKINFO:
                    (kind, owner, group, persistent) = ReadInfo(attributes.Value);
                    break;
            }
        }

        var up = (header.ifi_flags & IFF_UP) != 0;
        return new Link(header.ifi_index, name, kind, mac, mtu, alias, up, up && carrier, owner, group, persistent);
    }

    private static (string Kind, uint Owner, uint Group, bool Persistent) ReadInfo(ReadOnlySpan<byte> info)
    {
        var kind = System.Text.Encoding.UTF8.GetString(NetlinkAttributes.Find(info, IFLA_INFO_KIND).TrimEnd((byte)0));
        var (owner, group, persistent) = (Nobody, Nobody, false);
        if (kind != "tun")
            return (kind, owner, group, persistent);
        var data = new NetlinkAttributes(NetlinkAttributes.Find(info, IFLA_INFO_DATA));
        while (data.Next())
        {
            switch (data.Type)
            {
                case IFLA_TUN_OWNER:
                    owner = data.UInt32;
                    break;
                case IFLA_TUN_GROUP:
                    group = data.UInt32;
                    break;
                case IFLA_TUN_PERSIST:
                    persistent = data.Byte == 1;
                    break;
            }
        }

        return (kind, owner, group, persistent);
    }
}
