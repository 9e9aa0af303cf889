using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network.Tap;
using static Monolith.Agent.Native.Raw.LibcConstants;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Invariants;

/// <summary>Reads interfaces with their settings: one dump, and no file for each.</summary>
internal sealed class LinkFacts(NetlinkSocket netlink)
{
    public IReadOnlyList<LinkFact> List() =>
    [
        .. netlink.Dump(
                NetlinkMessage.Of(RTM_GETLINK, 0, default(ifinfomsg)).Add(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS), "RTM_GETLINK")
            .Select(b => Parse(b))
            .OfType<LinkFact>(),
    ];

    /// <summary>Reads a RTM_NEWLINK; null when it is not one.</summary>
    public static LinkFact? Parse(ReadOnlySpan<byte> body)
    {
        if (Link.Parse(body) is not { } link)
            return null;
        int master = 0, lower = 0;
        var elsewhere = false;
        Dictionary<int, int> settings4 = [], settings6 = [];
        var attributes = new NetlinkAttributes(body[Unsafe.SizeOf<ifinfomsg>()..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case IFLA_MASTER:
                    master = (int)attributes.UInt32;
                    break;
                case IFLA_LINK:
                    lower = (int)attributes.UInt32;
                    break;
                case IFLA_LINK_NETNSID:
                    elsewhere = true;
                    break;
                case IFLA_AF_SPEC:
                    var inet = NetlinkAttributes.Find(attributes.Value, AF_INET);
                    var inet6 = NetlinkAttributes.Find(attributes.Value, AF_INET6);
                    settings4 = SettingsOf(Tap.Settings.V4, 1, NetlinkAttributes.Find(inet, IFLA_INET_CONF));
                    settings6 = SettingsOf(Tap.Settings.V6, 0, NetlinkAttributes.Find(inet6, IFLA_INET6_CONF));
                    break;
            }
        }

        return new LinkFact(link, master, elsewhere ? 0 : lower, settings4, settings6);
    }

    /// <summary>An array of the family's settings; IPv4 counts from one.</summary>
    private static Dictionary<int, int> SettingsOf(string family, int first, ReadOnlySpan<byte> values)
    {
        var settings = new Dictionary<int, int>();
        foreach (var index in Tap.Settings.Tap.Where(s => s.Family == family).Select(s => s.Index))
        {
            if ((index - first + 1) * sizeof(int) <= values.Length)
                settings[index] = MemoryMarshal.Read<int>(values[((index - first) * sizeof(int))..]);
        }

        return settings;
    }
}
