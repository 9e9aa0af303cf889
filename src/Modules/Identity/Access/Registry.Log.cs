using Microsoft.Extensions.Logging;

namespace Monolith.Identity.Access;

internal sealed partial class Registry
{
    [LoggerMessage(LogLevel.Error, "Cannot read users, tokens and projects again; access is decided by older rows")]
    partial void LogRereadFailed(Exception e);

    [LoggerMessage(LogLevel.Error, "A change of access (event {Wanted}) does not count yet; event {Applied} does")]
    partial void LogBehind(long wanted, long applied);
}
