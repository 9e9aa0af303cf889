using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Daemon;

internal static partial class DaemonLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "agent {version} of {node} ({role}) starts; host {host}")]
    public static partial void Starting(this ILogger log, string version, string node, string role, string host);

    [LoggerMessage(Level = LogLevel.Information, Message = "{signal}: stopping; what runs here runs on")]
    public static partial void Stopping(this ILogger log, System.Runtime.InteropServices.PosixSignal signal);

    [LoggerMessage(Level = LogLevel.Information, Message = "stopped")]
    public static partial void Stopped(this ILogger log);
}
