using Microsoft.Extensions.Logging;

namespace Monolith.Network.Ports;

internal sealed partial class PortSyncService
{
    [LoggerMessage(LogLevel.Information, "{Node} opened its stream of ports, agent {Version}")]
    partial void LogOpened(string node, string version);

    [LoggerMessage(LogLevel.Information, "{Node}'s stream of ports ended")]
    partial void LogClosed(string node);
}
