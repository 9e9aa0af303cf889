using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Network.Metadata;

internal static partial class MetadataLog
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "Metadata {Path} for {Source}: {Status}")]
    public static partial void Served(ILogger logger, IPAddress source, string path, int status);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Metadata connection of {Source} was given up: {Text}")]
    public static partial void Abandoned(ILogger logger, IPAddress source, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Metadata server could not accept: {Error} ({Text})")]
    public static partial void AcceptFailed(ILogger logger, SocketError error, string text);
}
