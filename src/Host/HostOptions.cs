using System.Net;
using Monolith.Host.Access;
using Monolith.Identity;

namespace Monolith.Host;

/// <summary>How a host runs. Immutable.</summary>
public sealed record HostOptions
{
    /// <summary>Databases, images, keys, the administrator's token. Made when it is missing.</summary>
    public required string Data { get; init; }

    /// <summary>HTTP/2 without TLS, loopback only: for development and for people on the machine.</summary>
    public IReadOnlyList<IPEndPoint> Plain { get; init; } = [new(IPAddress.Loopback, 5080)];

    /// <summary>TLS: clients with tokens, agents with certificates.</summary>
    public IReadOnlyList<IPEndPoint> Tls { get; init; } = [new(IPAddress.Loopback, 5443)];

    /// <summary>Names and addresses besides the endpoints' that the TLS certificate is for.</summary>
    public IReadOnlyList<string> TlsNames { get; init; } = [];

    /// <summary>The <c>iss</c> of access tokens: the URL by which others reach a host, and the same on all of them. Empty: the first
    /// of the TLS names, or <c>localhost</c>, with the port of the first TLS endpoint.</summary>
    public string Issuer
    {
        get => field.Length > 0 ? field : $"https://{(TlsNames.Count > 0 ? TlsNames[0] : "localhost")}:{(Tls.Count > 0 ? Tls[0].Port : 443)}";
        init;
    } = "";

    /// <summary>HTTP/1.1 without TLS, loopback only: <c>/metrics</c> and <c>/healthz</c>. Null: none.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>UDP and TCP of the authoritative name server.</summary>
    public IReadOnlyList<IPEndPoint> Dns { get; init; } = [new(IPAddress.Loopback, 5053)];

    /// <summary>The domain that servers' names end in.</summary>
    public string Domain { get; init; } = "cloud.internal";

    /// <summary>Resolvers that guests are told of.</summary>
    public IReadOnlyList<string> GuestDns { get; init; } = [];

    /// <summary>A PostgreSQL connection string; null: SQLite files in <see cref="Data"/>.</summary>
    public string? Postgres { get; init; }

    /// <summary>A RabbitMQ URI; null: the bus is in this process.</summary>
    public string? RabbitMq { get; init; }

    /// <summary>Emulated hypervisors in this process; for people who write against the API.</summary>
    public int Fleet { get; init; }

    /// <summary>Where plug-ins are, a directory each; null: there are none.</summary>
    public string? Plugins { get; init; }

    /// <summary>Run to turn a lost hypervisor off before its servers are made anew: with its id as argument, and its labels as a
    /// JSON object in <c>MONOLITH_LABELS</c>; an end with 0 says that it is off. Null: an operator's word is needed.</summary>
    public string? FenceCommand { get; init; }

    /// <summary>Prefixes that images may be imported from although they are not public addresses.</summary>
    public IReadOnlyList<IPNetwork> ImportAllow { get; init; } = [];

    /// <summary>The largest disk that an image may claim, GiB.</summary>
    public int ImageMaxDiskGib { get; init; } = 65_536;

    /// <summary>How long it is remembered who held an address, days.</summary>
    public int AddressHistoryDays { get; init; } = 365;

    /// <summary>How long the audit log keeps who did what, days.</summary>
    public int AuditDays { get; init; } = 400;

    /// <summary>How long a project that is deleted with all that it owns can be had back, hours.</summary>
    public int ProjectPurgeWaitHours { get; init; } = 72;

    /// <summary>The key-encryption key; null: the one of the data directory.</summary>
    public GivenKey? Kek { get; init; }

    /// <summary>The one before.</summary>
    public GivenKey? KekBefore { get; init; }

    /// <summary>How much of the host one caller may have.</summary>
    public CallLimits Limits { get; init; } = new();

    /// <summary>Log messages at this level and above.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
}
