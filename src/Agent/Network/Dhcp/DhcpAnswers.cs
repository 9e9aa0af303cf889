using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Monolith.Agent.Network.Dhcp;

/// <summary>
/// What to say to a client. Pure: the lease is the port's address, always the same one, so there is no lease table.
/// <code>
/// DISCOVER ─► OFFER          REQUEST for our address ─► ACK      RELEASE, DECLINE ─► silence
/// INFORM   ─► ACK, no lease  REQUEST for another one ─► NAK      REQUEST to another server ─► silence
/// </code>
/// </summary>
internal static class DhcpAnswers
{
    private const int MaxDnsServers = 8;

    /// <returns>Null where the protocol asks for silence.</returns>
    public static DhcpReply? To(DhcpRequest request, PortPlan port, TimeSpan lease)
    {
        if (request.Mac != port.Mac || port.Ipv4 is not { } address)
            return null;
        return request.Type switch
        {
            DhcpType.Discover => Lease(DhcpType.Offer, request, port, address, lease),
            DhcpType.Request when request.ServerId is { } server && !server.Equals(Gateway.Ipv4) => null,
            DhcpType.Request when Wanted(request).Equals(address) => Lease(DhcpType.Ack, request, port, address, lease),
            DhcpType.Request => Refuse(request),
            DhcpType.Inform => Inform(request, port),
            _ => null,
        };
    }

    /// <summary>
    /// Selecting and rebooting clients ask in an option; renewing and rebinding ones use the address.
    /// </summary>
    private static IPAddress Wanted(DhcpRequest request) => request.RequestedAddress ?? request.ClientAddress;

    private static DhcpReply Lease(DhcpType type, DhcpRequest request, PortPlan port, IPAddress address, TimeSpan lease)
    {
        var options = Start(type, request);
        options.Add((DhcpOption.LeaseTime, Number(lease)));
        options.Add((DhcpOption.RenewalTime, Number(lease / 2)));
        options.Add((DhcpOption.RebindingTime, Number(lease * 7 / 8)));
        options.Add((DhcpOption.SubnetMask, IPAddress.Broadcast.GetAddressBytes()));
        AddConfiguration(options, port);
        return new DhcpReply(type, request, address, options);
    }

    private static DhcpReply Inform(DhcpRequest request, PortPlan port)
    {
        var options = Start(DhcpType.Ack, request);
        AddConfiguration(options, port);
        return new DhcpReply(DhcpType.Ack, request, IPAddress.Any, options);
    }

    private static DhcpReply Refuse(DhcpRequest request)
    {
        var options = Start(DhcpType.Nak, request);
        options.Add((DhcpOption.Message, DhcpReply.Text("this port has another address")));
        return new DhcpReply(DhcpType.Nak, request, IPAddress.Any, options);
    }

    private static List<(byte Code, byte[] Value)> Start(DhcpType type, DhcpRequest request)
    {
        List<(byte, byte[])> options =
        [
            (DhcpOption.MessageType, [(byte)type]),
            (DhcpOption.ServerId, Gateway.Ipv4.GetAddressBytes()),
        ];
        if (request.ClientId.Length > 0)
            options.Add((DhcpOption.ClientId, request.ClientId));
        return options;
    }

    private static void AddConfiguration(List<(byte Code, byte[] Value)> options, PortPlan port)
    {
        // Clients that know option 121 ignore option 3 (RFC 3442); the others need it.
        options.Add((DhcpOption.ClasslessRoutes, Routes()));
        options.Add((DhcpOption.Router, Gateway.Ipv4.GetAddressBytes()));
        var servers = port.DnsServers.Where(s => s.AddressFamily == AddressFamily.InterNetwork).Take(MaxDnsServers);
        var dns = servers.SelectMany(s => s.GetAddressBytes()).ToArray();
        if (dns.Length > 0)
            options.Add((DhcpOption.DnsServers, dns));
        var mtu = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(mtu, (ushort)port.Mtu);
        options.Add((DhcpOption.InterfaceMtu, mtu));
        if (port.Hostname.Length > 0)
            options.Add((DhcpOption.HostName, DhcpReply.Text(port.Hostname)));
        if (port.Domain.Length > 0)
            options.Add((DhcpOption.DomainName, DhcpReply.Text(port.Domain)));
    }

    /// <summary>The gateway itself on the link, metadata by it, everything by it (RFC 3442).</summary>
    private static byte[] Routes()
    {
        var gateway = Gateway.Ipv4.GetAddressBytes();
        return
        [
            32, .. gateway, 0, 0, 0, 0,
            32, .. Gateway.Metadata.GetAddressBytes(), .. gateway,
            0, .. gateway,
        ];
    }

    private static byte[] Number(TimeSpan time)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)time.TotalSeconds);
        return bytes;
    }
}
