namespace Monolith.Agent.Native.Raw;

/// <summary>Where an interface's settings are in what the kernel tells of it (IFLA_INET_CONF, IFLA_INET6_CONF).</summary>
[CConstants("linux/ip.h", "linux/ipv6.h")]
internal static class DevConfConstants
{
    public const int IPV4_DEVCONF_FORWARDING = 1, IPV4_DEVCONF_PROXY_ARP = 3, IPV4_DEVCONF_ACCEPT_REDIRECTS = 4;
    public const int IPV4_DEVCONF_SEND_REDIRECTS = 6, IPV4_DEVCONF_RP_FILTER = 8;

    public const int DEVCONF_FORWARDING = 0, DEVCONF_ACCEPT_RA = 3, DEVCONF_ACCEPT_REDIRECTS = 4, DEVCONF_ACCEPT_DAD = 27;
}
