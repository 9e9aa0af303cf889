using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;
using static Monolith.Agent.Native.Raw.LibcConstants;
using static Monolith.Agent.Native.Raw.RtnetlinkConstants;

namespace Monolith.Agent.Network.Tap;

/// <summary>Addresses of interfaces over rtnetlink(7).</summary>
internal sealed class AddressTable(NetlinkSocket netlink)
{
    public IReadOnlyList<(int Index, IPAddress Address)> List()
    {
        var result = new List<(int, IPAddress)>();
        foreach (var body in netlink.Dump(NetlinkMessage.Of(RTM_GETADDR, 0, default(ifaddrmsg)), "RTM_GETADDR"))
        {
            if (!MemoryMarshal.TryRead<ifaddrmsg>(body, out var header))
                continue;
            ReadOnlySpan<byte> rest = body.AsSpan(Unsafe.SizeOf<ifaddrmsg>());
            // Over IPv4 IFA_ADDRESS is the peer of a point-to-point link; the own address is IFA_LOCAL.
            var bytes = NetlinkAttributes.Find(rest, header.ifa_family == AF_INET ? IFA_LOCAL : IFA_ADDRESS);
            if (bytes.Length is 4 or 16)
                result.Add(((int)header.ifa_index, new IPAddress(bytes)));
        }

        return result;
    }

    /// <summary>Adds an address without duplicate address detection; one that is there already is fine.</summary>
    /// <param name="linkScope">Keeps an IPv4 address from becoming the source towards other interfaces.</param>
    public void Add(int index, IPAddress address, int prefixLength, bool linkScope, string interfaceName)
    {
        var message = NetlinkMessage.Of(
            RTM_NEWADDR, NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_EXCL, Header())
            .Add(IFA_LOCAL, address)
            .Add(IFA_ADDRESS, address);
        netlink.Request(message, $"RTM_NEWADDR {address}/{prefixLength} dev {interfaceName}", EEXIST);

        ifaddrmsg Header() => new()
        {
            ifa_family = FamilyOf(address),
            ifa_prefixlen = (byte)prefixLength,
            ifa_flags = address.AddressFamily == AddressFamily.InterNetworkV6 ? IFA_F_NODAD : (byte)0,
            ifa_scope = linkScope ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
            ifa_index = (uint)index,
        };
    }

    /// <summary>Removes an address; one that is not there is fine.</summary>
    public void Remove(int index, IPAddress address, int prefixLength, string interfaceName)
    {
        var header = new ifaddrmsg
        {
            ifa_family = FamilyOf(address),
            ifa_prefixlen = (byte)prefixLength,
            ifa_index = (uint)index,
        };
        netlink.Request(
            NetlinkMessage.Of(RTM_DELADDR, 0, header).Add(IFA_LOCAL, address),
            $"RTM_DELADDR {address}/{prefixLength} dev {interfaceName}",
            EADDRNOTAVAIL);
    }

    internal static byte FamilyOf(IPAddress address) =>
        (byte)(address.AddressFamily == AddressFamily.InterNetwork ? AF_INET : AF_INET6);
}
