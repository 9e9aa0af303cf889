using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Join;

internal static partial class JoinLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "certificate renewed; the new one expires {expiry:u}")]
    public static partial void CertificateRenewed(this ILogger log, DateTimeOffset expiry);

    [LoggerMessage(Level = LogLevel.Information, Message = "whom to trust has changed: {count} authorities of the cloud")]
    public static partial void AuthoritiesChanged(this ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "the host did not say whom to trust ({cause}); asked again {due:u}")]
    public static partial void NotTold(this ILogger log, string cause, DateTimeOffset due);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "certificate not renewed ({cause}); the present one expires {expiry:u}, tried again {due:u}")]
    public static partial void RenewalFailed(this ILogger log, string cause, DateTimeOffset expiry, DateTimeOffset due);
}
