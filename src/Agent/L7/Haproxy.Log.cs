using Microsoft.Extensions.Logging;

namespace Monolith.Agent.L7;

internal static partial class HaproxyLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "HAProxy {Version}, process {Pid}")]
    public static partial void Opened(ILogger logger, string version, int? pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "HAProxy {How}, {Servers} servers")]
    public static partial void Applied(ILogger logger, string how, int servers);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "Load balancer {Id}, generation {Generation}, is not applied. {Cause}")]
    public static partial void Refused(ILogger logger, LoadBalancerId id, long generation, string cause);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "HAProxy did not take \"{Command}\": {Output}. It is reloaded instead")]
    public static partial void CommandRefused(ILogger logger, string command, string output);
}
