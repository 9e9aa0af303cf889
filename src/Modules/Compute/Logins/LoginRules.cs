using System.Security.Cryptography;
using Monolith.Compute.V1;
using Monolith.Identity.Contracts;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Compute.Logins;

/// <summary>What is asked of certificates, and what they say. Pure, but for serial numbers.</summary>
internal static class LoginRules
{
    public const string ServerPattern = "projects/*/servers/*";

    /// <summary>The account that guests make for those who are not root.</summary>
    public const string Guest = "guest";

    public const string Root = "root";

    /// <summary>Certificates begin a little in the past: a guest's clock may be behind.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1), Usual = TimeSpan.FromMinutes(5), Longest = LoginLifetimes.LongestOfUsers;

    /// <summary>For root, and accounts that may become root.</summary>
    public static string RootPrincipal(Guid server) => server + ":root";

    public static string Principal(Guid server) => server + ":login";

    /// <summary>Lines for <c>known_hosts</c>.</summary>
    /// <param name="hosts">Whom they are true of, as that file has it.</param>
    public static string KnownHosts(string hosts, IEnumerable<SshPublicKey> authorities) =>
        string.Join('\n', authorities.Select(a => $"@cert-authority {hosts} {a}"));

    public static IReadOnlyList<string> PrincipalsOf(Guid server, bool asRoot) =>
        asRoot ? [Principal(server), RootPrincipal(server)] : [Principal(server)];

    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    public static (SshPublicKey Key, TimeSpan Ttl) Check(CreateLoginCertificateRequest request)
    {
        var violations = new Violations();
        ResourceName.Parse(ServerPattern, request.Parent, "parent", violations);
        var asked = request.LoginCertificate ?? new();
        var error = SshPublicKey.TryParse(asked.PublicKey, out var key);
        violations.Require(error is null, "login_certificate.public_key", error ?? "");
        var ttl = Usual;
        if (asked.Ttl is { } wanted)
        {
            // What is no time at all is no TimeSpan either.
            var fits = wanted.Nanos is >= 0 and < 1_000_000_000 && wanted.Seconds >= Shortest.TotalSeconds
                && (wanted.Seconds < Longest.TotalSeconds || (wanted.Seconds == Longest.TotalSeconds && wanted.Nanos == 0));
            if (violations.Require(fits, "login_certificate.ttl", "must be 1 min to 1 h")) ttl = TimeSpan.FromSeconds(wanted.Seconds);
        }
        violations.ThrowIfAny();
        return (key!, ttl);
    }

    /// <summary>In the order of their making, and as long as each other, so that lists of them are.</summary>
    public static long Serial(DateTime now) =>
        (new DateTimeOffset(now, TimeSpan.Zero).ToUnixTimeMilliseconds() << 20) + RandomNumberGenerator.GetInt32(1 << 20);
}
