using Microsoft.Extensions.Logging;

namespace Monolith.Agent.Join;

internal static partial class JoinLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "certificate renewed; the new one expires {expiry:u}")]
    public static partial void CertificateRenewed(this ILogger log, DateTimeOffset expiry);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "certificate not renewed ({cause}); the present one expires {expiry:u}, tried again {due:u}")]
    public static partial void RenewalFailed(this ILogger log, string cause, DateTimeOffset expiry, DateTimeOffset due);
}
