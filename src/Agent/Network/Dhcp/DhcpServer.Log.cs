using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Dhcp;

internal static partial class DhcpLog
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "Port {PortId}: DHCP {Request} answered with {Reply} {Address}")]
    public static partial void Answered(
        ILogger logger, string portId, DhcpType request, DhcpType reply, IPAddress address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Tap}: DHCP socket failed: {Error} ({Text})")]
    public static partial void Failed(ILogger logger, string tap, SocketError error, string text);
}
