using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network;

internal static partial class DataPlaneLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Port {PortId} ({Tap}): carrier {Carrier}")]
    public static partial void Carrier(ILogger logger, string portId, string tap, bool carrier);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Link notifications were lost ({Error}); looking at all links")]
    public static partial void NotificationsLost(ILogger logger, SocketError error);

    [LoggerMessage(Level = LogLevel.Error, Message = "The network could not be put right; it is tried again")]
    public static partial void SyncFailed(ILogger logger, Exception exception);
}
