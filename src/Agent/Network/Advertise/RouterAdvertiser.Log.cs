using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Advertise;

internal static partial class AdvertiseLog
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "{Tap}: router advertisement failed: {Error} ({Text})")]
    public static partial void Failed(ILogger logger, string tap, SocketError error, string text);
}
