using static Monolith.Agent.Native.Raw.DevConfConstants;

namespace Monolith.Agent.Network.Tap;

/// <summary>A setting of the kernel (sysctl) as it must be.</summary>
/// <param name="Path">Relative to /proc/sys, with slashes.</param>
internal readonly record struct Setting(string Path, string Value);

/// <summary>What every tap must have.</summary>
/// <param name="Family"><c>ipv4</c> or <c>ipv6</c>.</param>
/// <param name="Index">Where it is in what the kernel tells of an interface.</param>
internal readonly record struct TapSetting(string Family, int Index, string Name, int Value);

/// <summary>The settings that the network of guests rests on: set by the agent, and looked at ever after.</summary>
internal static class Settings
{
    public const string V4 = "ipv4", V6 = "ipv6";

    public static IReadOnlyList<Setting> Machine { get; } =
    [
        new("net/ipv4/ip_forward", "1"),
        new("net/ipv6/conf/all/forwarding", "1"),
        // The strictest of "all" and the interface counts, so a tap's own setting is not enough.
        new("net/ipv4/conf/all/rp_filter", "0"),
    ];

    public static IReadOnlyList<TapSetting> Tap { get; } =
    [
        new(V4, IPV4_DEVCONF_FORWARDING, "forwarding", 1),
        // A guest asks for its gateway only, whose address the tap has: answering for others would hide mistakes.
        new(V4, IPV4_DEVCONF_PROXY_ARP, "proxy_arp", 0),
        // Spoofing is judged by nftables, by address; a route check would only know interfaces.
        new(V4, IPV4_DEVCONF_RP_FILTER, "rp_filter", 0),
        new(V4, IPV4_DEVCONF_ACCEPT_REDIRECTS, "accept_redirects", 0),
        new(V4, IPV4_DEVCONF_SEND_REDIRECTS, "send_redirects", 0),
        new(V6, DEVCONF_FORWARDING, "forwarding", 1),
        new(V6, DEVCONF_ACCEPT_RA, "accept_ra", 0),
        new(V6, DEVCONF_ACCEPT_REDIRECTS, "accept_redirects", 0),
        new(V6, DEVCONF_ACCEPT_DAD, "accept_dad", 0),
    ];

    public static Setting Of(TapSetting setting, string tap) => new(
        $"net/{setting.Family}/conf/{tap}/{setting.Name}",
        setting.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
