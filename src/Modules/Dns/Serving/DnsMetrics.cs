using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Monolith.Dns.Serving;

/// <summary>What the name server counts.</summary>
internal sealed partial class DnsMetrics(ILogger<DnsMetrics> log)
{
    static readonly Meter Meter = new("Monolith.Dns");
    static readonly Counter<long> Queries = Meter.CreateCounter<long>("monolith.dns.queries", "{query}",
        "Queries answered, by response code and transport.");
    static readonly Counter<long> Limited = Meter.CreateCounter<long>("monolith.dns.limited", "{query}",
        "Queries that the response rate limit left unanswered or truncated.");

    public static void Answered(ResponseCode code, bool udp) => Queries.Add(1, new("rcode", Word(code)),
        new KeyValuePair<string, object?>("transport", udp ? "udp" : "tcp"));

    public static void Dropped() => Limited.Add(1, new KeyValuePair<string, object?>("action", "dropped"));

    public static void Truncated() => Limited.Add(1, new KeyValuePair<string, object?>("action", "truncated"));

    public void Failed(Exception e) => LogFailed(e);

    static string Word(ResponseCode code) => code switch
    {
        ResponseCode.NoError => "NOERROR",
        ResponseCode.FormatError => "FORMERR",
        ResponseCode.ServerFailure => "SERVFAIL",
        ResponseCode.NameError => "NXDOMAIN",
        ResponseCode.NotImplemented => "NOTIMP",
        ResponseCode.Refused => "REFUSED",
        _ => "BADVERS",
    };

    [LoggerMessage(LogLevel.Error, "A query was answered with SERVFAIL")]
    partial void LogFailed(Exception e);
}
