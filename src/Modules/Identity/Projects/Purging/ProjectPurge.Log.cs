using Microsoft.Extensions.Logging;

namespace Monolith.Identity.Projects.Purging;

internal sealed partial class ProjectPurge
{
    [LoggerMessage(LogLevel.Information, "{Project} is gone with all that it owned")]
    partial void LogGone(string project);

    [LoggerMessage(LogLevel.Warning, "{Name} could not be deleted with its project; it is tried again")]
    partial void LogNotDeleted(Exception e, string name);
}
