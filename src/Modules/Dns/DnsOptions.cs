using System.Net;

namespace Monolith.Dns;

/// <summary>How this cloud's names are made and served. Immutable.</summary>
public sealed record DnsOptions
{
    /// <summary>The zone that servers and load balancers are named in; lower case, no trailing dot.</summary>
    public string Domain { get; init; } = "cloud.internal";

    /// <summary>
    /// The host name in the NS and SOA records of every zone, no trailing dot; empty: <c>ns1.{Domain}</c>.
    /// </summary>
    public string NameServer { get; init; } = "";

    /// <summary>Addresses of <see cref="NameServer"/>, served when it lies in the cloud domain.</summary>
    public IReadOnlyList<IPAddress> NameServerAddresses { get; init; } = [];

    /// <summary>
    /// Where queries are taken, UDP and TCP alike. Port 0 takes any free one. An endpoint that cannot be bound is
    /// tried again, since its address may come later.
    /// </summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; init; } = [new(IPAddress.Loopback, 5053)];

    /// <summary>Seconds, for zones that name none.</summary>
    public int DefaultTtlSeconds { get; init; } = 60;

    /// <summary>TCP connections at a time, over all endpoints.</summary>
    public int MaxTcpConnections { get; init; } = 512;

    /// <summary>How long a TCP client may take for its next query, and for taking an answer.</summary>
    public TimeSpan TcpIdle { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// UDP answers a second to one /24 or /56; what is above is dropped or, every second one, truncated, so that an
    /// honest client comes back by TCP. 0: no limit. Loopback is never limited.
    /// </summary>
    public int ResponsesPerSecond { get; init; } = 2000;

    internal string NameServerOrDefault => NameServer.Length > 0 ? NameServer : "ns1." + Domain;
}
