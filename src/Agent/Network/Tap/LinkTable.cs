using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.LibcConstants;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Tap;

/// <summary>Interfaces over rtnetlink(7).</summary>
internal sealed class LinkTable(NetlinkSocket netlink)
{
    public IReadOnlyList<Link> List() =>
    [
        .. netlink.Dump(NetlinkMessage.Of(RTM_GETLINK, 0, default(ifinfomsg)), "RTM_GETLINK")
            .Select(b => Link.Parse(b))
            .OfType<Link>(),
    ];

    public Link? Find(string name)
    {
        var message = NetlinkMessage.Of(RTM_GETLINK, 0, default(ifinfomsg)).Add(IFLA_IFNAME, name);
        return netlink.Get(message, $"RTM_GETLINK {name}", ENODEV) is { } body ? Link.Parse(body) : null;
    }

    public void SetAlias(Link link, string alias) =>
        Set(link, $"alias {alias}", m => m.Add(IFLA_IFALIAS, System.Text.Encoding.UTF8.GetBytes(alias)));

    public void SetMac(Link link, MacAddress mac) =>
        Set(link, $"address {mac}", m => m.Add(IFLA_ADDRESS, mac.ToBytes()));

    public void SetMtu(Link link, int mtu) => Set(link, $"mtu {mtu}", m => m.Add(IFLA_MTU, (uint)mtu));

    /// <summary>Keeps the kernel from giving the interface an IPv6 address of its own making.</summary>
    public void SetNoAddressGeneration(Link link) => Set(
        link,
        "addrgenmode none",
        m => m.AddNested(IFLA_AF_SPEC, spec => spec.AddNested(
            AF_INET6, inet6 => inet6.Add(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE))));

    public void SetUp(string name, int index)
    {
        var header = new ifinfomsg { ifi_index = index, ifi_flags = IFF_UP, ifi_change = IFF_UP };
        netlink.Request(NetlinkMessage.Of(RTM_NEWLINK, 0, header), $"RTM_NEWLINK {name} up");
    }

    /// <summary>Takes the interface out of the bridge, bond or VRF that it is in.</summary>
    public void SetFree(string name, int index) => netlink.Request(
        NetlinkMessage.Of(RTM_NEWLINK, 0, new ifinfomsg { ifi_index = index }).Add(IFLA_MASTER, 0u),
        $"RTM_NEWLINK {name} nomaster");

    /// <summary>Deletes the interface with its addresses and routes; one that is gone already is fine.</summary>
    public void Delete(Link link) => netlink.Request(
        NetlinkMessage.Of(RTM_DELLINK, 0, new ifinfomsg { ifi_index = link.Index }),
        $"RTM_DELLINK {link.Name}",
        ENODEV);

    private void Set(Link link, string what, Func<NetlinkMessage, NetlinkMessage> fill)
    {
        var message = NetlinkMessage.Of(RTM_NEWLINK, 0, new ifinfomsg { ifi_index = link.Index });
        netlink.Request(fill(message), $"RTM_NEWLINK {link.Name} {what}");
    }
}
