using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Sync;

internal static partial class SyncLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "{concern}: stream ended, {fault}; again in {waitMs} ms")]
    public static partial void StreamEnded(this ILogger log, string concern, string fault, long waitMs);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{concern}: in sync with the host, {count} items wanted, all statuses asked for: {sendStatuses}")]
    public static partial void InSync(this ILogger log, string concern, int count, bool sendStatuses);
}
