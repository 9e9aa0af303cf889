using System.CommandLine;
using System.Net;
using Monolith.Host.Access;
using Monolith.Identity;

namespace Monolith.Host;

/// <summary>The host's command line. Every option has an environment variable: <c>--data</c> is MONOLITH_HOST_DATA.</summary>
internal static class CommandLine
{
    static readonly Option<string> Data = new("--data")
    {
        Description = "Directory of databases, images, keys and the administrator's token.",
        DefaultValueFactory = _ => Variable("DATA") ?? Path.Combine(Environment.CurrentDirectory, "data"),
    };

    static readonly Option<string[]> Plain = Endpoints("--plain",
        "HTTP/2 without TLS, loopback addresses only. 'none' for none.", "PLAIN", "127.0.0.1:5080");

    static readonly Option<string[]> Tls = Endpoints("--tls", "TLS, for clients and agents.", "TLS", "127.0.0.1:5443");

    static readonly Option<string[]> TlsNames = Endpoints("--tls-name",
        "More names and addresses that the TLS certificate is for.", "TLS_NAMES", "");

    static readonly Option<string> Issuer = new("--issuer")
    {
        Description = "URL by which others reach this cloud: who issues its access tokens. Default: the first --tls-name.",
        DefaultValueFactory = _ => Variable("ISSUER") ?? "",
    };

    static readonly Option<string?> Metrics = new("--metrics")
    {
        Description = "HTTP/1.1 for /metrics and /healthz, a loopback address.",
        DefaultValueFactory = _ => Variable("METRICS"),
    };

    static readonly Option<string[]> Dns = Endpoints("--dns", "UDP and TCP of the name server. 'none' for none.", "DNS",
        "127.0.0.1:5053");

    static readonly Option<string> Domain = new("--domain")
    {
        Description = "The domain that servers' names end in.",
        DefaultValueFactory = _ => Variable("DOMAIN") ?? "cloud.internal",
    };

    static readonly Option<string[]> GuestDns = Endpoints("--guest-dns", "Resolvers that guests are told of.", "GUEST_DNS", "");

    static readonly Option<string?> Postgres = new("--postgres")
    {
        Description = "PostgreSQL connection string, instead of SQLite files in the data directory.",
        DefaultValueFactory = _ => Variable("POSTGRES"),
    };

    static readonly Option<string?> RabbitMq = new("--rabbitmq")
    {
        Description = "RabbitMQ URI, instead of a bus in the process.",
        DefaultValueFactory = _ => Variable("RABBITMQ"),
    };

    static readonly Option<int> Fleet = new("--fleet")
    {
        Description = "Emulated hypervisors in the process; 0 when real agents join.",
        DefaultValueFactory = _ => int.TryParse(Variable("FLEET"), out var n) ? n : 3,
    };

    static readonly Option<string?> Plugins = new("--plugins")
    {
        Description = "Directory of plug-ins, a directory each: placement filters and weighers of your own.",
        DefaultValueFactory = _ => Variable("PLUGINS"),
    };

    static readonly Option<string?> Fence = new("--fence-command")
    {
        Description = "Turns off the machine of a lost hypervisor, whose id it is given, before its servers are made anew elsewhere.",
        DefaultValueFactory = _ => Variable("FENCE_COMMAND"),
    };

    static readonly Option<string[]> ImportAllow = Endpoints("--import-allow",
        "A prefix that images may be imported from although its addresses are not public, such as 10.0.0.0/8.", "IMPORT_ALLOW", "");

    static readonly Option<int> ImageMaxDisk = new("--image-max-disk")
    {
        Description = "The largest disk that an image may claim, GiB.",
        DefaultValueFactory = _ => int.TryParse(Variable("IMAGE_MAX_DISK"), out var n) ? n : 65_536,
    };

    static readonly Option<int> AddressHistory = new("--address-history")
    {
        Description = "How long it is remembered who held an address, in days.",
        DefaultValueFactory = _ => int.TryParse(Variable("ADDRESS_HISTORY"), out var n) ? n : 365,
    };

    static readonly Option<int> Audit = new("--audit-log")
    {
        Description = "How long the audit log keeps who did what, in days.",
        DefaultValueFactory = _ => int.TryParse(Variable("AUDIT_LOG"), out var n) ? n : 400,
    };

    static readonly Option<int> PurgeWait = new("--project-purge-wait")
    {
        Description = "How long a project that is deleted with all that it owns can be had back, in hours; 0: not at all.",
        DefaultValueFactory = _ => int.TryParse(Variable("PROJECT_PURGE_WAIT"), out var n) ? n : 72,
    };

    static readonly Option<string?> Kek = new("--kek")
    {
        Description = "File with the key-encryption key, 64 hexadecimal digits, or MONOLITH_HOST_KEK_VALUE with the digits themselves. "
            + "Default: the file kek in the data directory, made when missing.",
        DefaultValueFactory = _ => Variable("KEK"),
    };

    static readonly Option<string?> KekBefore = new("--kek-before")
    {
        Description = "The key that --kek takes the place of, for one start; or MONOLITH_HOST_KEK_BEFORE_VALUE.",
        DefaultValueFactory = _ => Variable("KEK_BEFORE"),
    };

    static readonly Option<int> CallerRate = Count("--caller-rate", "Calls a second that one caller may make, of who shows nothing one address.",
        "CALLER_RATE", new CallLimits().CallerRate);

    static readonly Option<int> CallerCalls = Count("--caller-calls", "Calls that one caller may have under way.",
        "CALLER_CALLS", new CallLimits().CallerCalls);

    static readonly Option<int> CallerStreams = Count("--caller-streams", "Streams that one caller may have open.",
        "CALLER_STREAMS", new CallLimits().CallerStreams);

    static readonly Option<int> Calls = Count("--calls", "Calls that all callers together may have under way.",
        "CALLS", new CallLimits().Calls);

    static readonly Option<LogLevel> Level = new("--log")
    {
        Description = "Least level of log messages.",
        DefaultValueFactory = _ => Enum.TryParse<LogLevel>(Variable("LOG"), true, out var level) ? level : LogLevel.Information,
    };

    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("The host of a Monolith cloud: every module's API, one process.")
        {
            Data, Plain, Tls, TlsNames, Issuer, Metrics, Dns, Domain, GuestDns, Postgres, RabbitMq, Fleet, Plugins, Fence, ImportAllow,
            ImageMaxDisk, AddressHistory, Audit, PurgeWait, Kek, KekBefore, CallerRate, CallerCalls, CallerStreams, Calls,
            Level,
        };
        root.SetAction(async (parsed, cancel) => await Run(parsed, cancel));
        return root.Parse(args).InvokeAsync();
    }

    static async Task<int> Run(ParseResult parsed, CancellationToken cancel)
    {
        HostOptions options;
        try
        {
            options = Read(parsed);
        }
        catch (FormatException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }
        WebApplication started;
        try
        {
            started = await MonolithHost.StartAsync(options, cancel);
        }
        catch (InvalidOperationException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
        await using var app = started;
        await app.WaitForShutdownAsync(cancel);
        return 0;
    }

    static HostOptions Read(ParseResult parsed) => new()
    {
        Data = Path.GetFullPath(parsed.GetValue(Data)!),
        Plain = Parse(parsed, Plain),
        Tls = Parse(parsed, Tls),
        TlsNames = Words(parsed.GetValue(TlsNames)!),
        Issuer = parsed.GetValue(Issuer)!,
        Metrics = parsed.GetValue(Metrics) is { Length: > 0 } metrics ? Endpoint(metrics) : null,
        Dns = Parse(parsed, Dns),
        Domain = parsed.GetValue(Domain)!,
        GuestDns = Words(parsed.GetValue(GuestDns)!),
        Postgres = parsed.GetValue(Postgres),
        RabbitMq = parsed.GetValue(RabbitMq),
        Fleet = parsed.GetValue(Fleet),
        Plugins = parsed.GetValue(Plugins),
        FenceCommand = parsed.GetValue(Fence),
        ImportAllow = [.. Words(parsed.GetValue(ImportAllow)!).Select(Prefix)],
        ImageMaxDiskGib = parsed.GetValue(ImageMaxDisk) is > 0 and <= 65_536 and var gib
            ? gib
            : throw new FormatException("--image-max-disk must be 1 to 65536."),
        AddressHistoryDays = parsed.GetValue(AddressHistory) is > 0 and <= 36_500 and var days
            ? days
            : throw new FormatException("--address-history must be 1 to 36500 days."),
        AuditDays = parsed.GetValue(Audit) is > 0 and <= 36_500 and var kept
            ? kept
            : throw new FormatException("--audit-log must be 1 to 36500 days."),
        ProjectPurgeWaitHours = parsed.GetValue(PurgeWait) is >= 0 and <= 2160 and var hours
            ? hours
            : throw new FormatException("--project-purge-wait must be 0 to 2160 hours."),
        Kek = Key(parsed, Kek, "KEK_VALUE"),
        KekBefore = Key(parsed, KekBefore, "KEK_BEFORE_VALUE"),
        Limits = new CallLimits
        {
            CallerRate = Positive(parsed, CallerRate),
            CallerCalls = Positive(parsed, CallerCalls),
            CallerStreams = Positive(parsed, CallerStreams),
            Calls = Positive(parsed, Calls),
        },
        LogLevel = parsed.GetValue(Level),
    };

    static Option<string[]> Endpoints(string name, string description, string variable, string fallback) => new(name)
    {
        Description = description + " May be given several times.",
        DefaultValueFactory = _ => Words([Variable(variable) ?? fallback]),
    };

    static GivenKey? Key(ParseResult parsed, Option<string?> option, string variable)
    {
        if (parsed.GetValue(option) is not { Length: > 0 } path)
            return Variable(variable) is { Length: > 0 } text ? new(text, "MONOLITH_HOST_" + variable) : null;
        try
        {
            return new(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"{option.Name} {path} cannot be read: {e.Message}");
        }
    }

    static Option<int> Count(string name, string description, string variable, int otherwise) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => int.TryParse(Variable(variable), out var n) ? n : otherwise,
    };

    static int Positive(ParseResult parsed, Option<int> option) => parsed.GetValue(option) is > 0 and <= 1_000_000 and var count
        ? count
        : throw new FormatException($"{option.Name} must be 1 to 1000000.");

    static string? Variable(string name) => Environment.GetEnvironmentVariable("MONOLITH_HOST_" + name);

    static string[] Words(string[] values) =>
        [.. values.SelectMany(v => v.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries))];

    static IPEndPoint[] Parse(ParseResult parsed, Option<string[]> option) =>
        [.. Words(parsed.GetValue(option)!).Where(v => v != "none").Select(Endpoint)];

    static IPNetwork Prefix(string text) => IPNetwork.TryParse(text, out var prefix)
        ? prefix
        : throw new FormatException($"'{text}' is not a prefix, like 10.0.0.0/8.");

    static IPEndPoint Endpoint(string text) => IPEndPoint.TryParse(text, out var endpoint) && endpoint.Port > 0
        ? endpoint
        : throw new FormatException($"'{text}' is not ADDRESS:PORT, like 127.0.0.1:5080 or [::1]:5080.");
}
