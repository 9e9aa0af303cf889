using System.Globalization;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Session;
using Monolith.Lb.V1;
using Enum = System.Enum;

namespace Monolith.Cli.Nouns;

/// <summary>Listeners, pools and members as single words.</summary>
internal static class BalancerSyntax
{
    public const string ListenerForm = "http|tcp:PORT:POOL[:ID]";
    public const string PoolForm = "ID[,algorithm=A][,health=/PATH|tcp][,interval=TIME][,rise=N][,fall=N]";
    public const string MemberForm = "[POOL=]SERVER|ADDRESS:PORT[,weight=N][,id=ID]";

    public static Listener Listener(string text)
    {
        if (text.Split(':') is not [var protocol, var port, { Length: > 0 } pool, .. { Length: <= 1 } rest])
            throw Wrong("listener", text, ListenerForm);
        return new Listener
        {
            Protocol = protocol switch
            {
                "http" => Lb.V1.Listener.Types.Protocol.Http,
                "tcp" => Lb.V1.Listener.Types.Protocol.Tcp,
                _ => throw Wrong("listener", text, ListenerForm),
            },
            Port = Number(port, "listener", text, ListenerForm),
            Pool = pool,
            Id = rest is [var id] ? id : $"{protocol}-{port}",
        };
    }

    public static Pool Pool(string text)
    {
        var parts = text.Split(',');
        var pool = new Pool { Id = parts[0].Length > 0 ? parts[0] : throw Wrong("pool", text, PoolForm) };
        foreach (var part in parts[1..])
            switch (part.Split('=', 2))
            {
                case ["algorithm", var name] when Enum.TryParse<Pool.Types.Algorithm>(
                    name.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var algorithm):
                    pool.Algorithm = algorithm;
                    break;
                case ["health", var path]:
                    Health(pool).HttpPath = path == "tcp" ? "" : path;
                    break;
                case ["interval", var time]:
                    Health(pool).Interval = Duration.FromTimeSpan(Settings.ParseSpan(time));
                    break;
                case ["rise", var rise]:
                    Health(pool).Rise = Number(rise, "pool", text, PoolForm);
                    break;
                case ["fall", var fall]:
                    Health(pool).Fall = Number(fall, "pool", text, PoolForm);
                    break;
                default:
                    throw Wrong("pool", text, PoolForm);
            }
        return pool;
    }

    /// <param name="text">As <see cref="MemberForm"/> says.</param>
    /// <param name="pool">The pool that it names; null when it names none.</param>
    /// <param name="server">The server as written, for the caller to expand; null for an address.</param>
    public static Member Member(string text, out string? pool, out string? server)
    {
        var parts = text.Split(',');
        var target = parts[0];
        pool = null;
        if (target.Split('=', 2) is [var before, var after])
            (pool, target) = (before, after);
        var colon = target.LastIndexOf(':');
        if (colon <= 0 || pool is "")
            throw Wrong("member", text, MemberForm);
        var member = new Member { Port = Number(target[(colon + 1)..], "member", text, MemberForm) };
        var host = target[..colon];
        server = null;
        if (IPAddress.TryParse(host.Trim('[', ']'), out var address))
            member.Address = address.ToString();
        else
            server = host;
        foreach (var part in parts[1..])
            switch (part.Split('=', 2))
            {
                case ["weight", var weight]:
                    member.Weight = Number(weight, "member", text, MemberForm);
                    break;
                case ["id", { Length: > 0 } id]:
                    member.Id = id;
                    break;
                default:
                    throw Wrong("member", text, MemberForm);
            }
        return member;
    }

    static HealthCheck Health(Pool pool) => pool.HealthCheck ??= new HealthCheck();

    static int Number(string text, string what, string whole, string form) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Wrong(what, whole, form);

    static UsageException Wrong(string what, string text, string form) =>
        new($"'{text}' is not a {what}.", $"Write {form}.");
}
