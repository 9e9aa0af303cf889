using Grpc.Core;
using Monolith.Identity.Contracts;
using Monolith.Identity.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Authority;

/// <summary>When one authority may take the place of another. Pure.</summary>
internal static class AuthorityRules
{
    public const string Pattern = "certificateAuthorities/*";
    public const int MostNamed = 100;

    /// <summary>Of a use. Each is looked through when a certificate is believed.</summary>
    public const int MostOfAUse = 8;

    const int MostSaid = 5;

    /// <exception cref="Fault">INVALID_ARGUMENT.</exception>
    public static Use Check(CreateCertificateAuthorityRequest request)
    {
        var violations = new Violations();
        var use = request.CertificateAuthority?.Use ?? Use.Unspecified;
        violations.Require(use is Use.Nodes or Use.Logins or Use.Servers, "certificate_authority.use", "must be USE_NODES, USE_LOGINS or USE_SERVERS");
        violations.ThrowIfAny();
        return use;
    }

    public static string Name(Use use, int number) => $"certificateAuthorities/{use.ToString().ToLowerInvariant()}-{number}";

    /// <summary>What its next step waits for as far as time tells; null: for nothing.</summary>
    public static DateTime? ReadyTime(Use use, State state, DateTime created, DateTime? retired) => (use, state) switch
    {
        // A guest that is off longer asks when it boots.
        (Use.Logins, State.Next) => created + LoginLifetimes.GuestsAskWithin,
        (Use.Logins, State.Former) => retired + LoginLifetimes.LongestOfUsers,
        (Use.Servers, State.Former) => retired + LoginLifetimes.OfHosts,
        _ => null,
    };

    /// <param name="others">All of its use.</param>
    /// <exception cref="Fault">There is one already that does not sign yet, or there are too many.</exception>
    public static void CheckCreation(Use use, IReadOnlyList<AuthorityRow> others)
    {
        if (others.FirstOrDefault(a => a.State == State.Next) is { } next)
            throw Fault.Precondition("NEXT_EXISTS", next.Name, $"{next.Name} does not sign yet. Activate it: monolith authority activate "
                + $"{Id(next)}; or delete it.");
        if (others.Count >= MostOfAUse)
            throw Fault.Precondition("TOO_MANY_AUTHORITIES", "certificateAuthorities", $"{others.Count} authorities for {use.ToString().ToLowerInvariant()} "
                + "are trusted. Delete those first that sign no more: monolith authority list");
    }

    /// <param name="pending">Nodes that do not trust it yet.</param>
    /// <exception cref="Fault">Somebody would be cut off.</exception>
    public static void CheckActivation(AuthorityRow row, IReadOnlyList<string> pending, DateTime now, bool force)
    {
        if (row.State == State.Former)
            throw Fault.Precondition("AUTHORITY_FORMER", row.Name, $"{row.Name} has signed before, and does not again. Make a new one: "
                + $"monolith authority create --use {row.Use.ToString().ToLowerInvariant()}");
        if (!force) CheckReady(row, pending, now, "not trust it yet");
    }

    /// <param name="pending">Nodes that show a certificate of it.</param>
    /// <exception cref="Fault">It signs, or what it signed is in use.</exception>
    public static void CheckDeletion(AuthorityRow row, IReadOnlyList<string> pending, DateTime now, bool force)
    {
        if (row.State == State.Signing)
            throw Fault.Precondition("AUTHORITY_SIGNS", row.Name, $"{row.Name} is the one that signs. Have another sign first: "
                + $"monolith authority rotate {row.Use.ToString().ToLowerInvariant()}");
        // What never signed is missed by nobody.
        if (row.State == State.Former && !force) CheckReady(row, pending, now, "show a certificate of it");
    }

    static void CheckReady(AuthorityRow row, IReadOnlyList<string> pending, DateTime now, string what)
    {
        const string Forced = "or say --force, and they are cut off";
        if (pending.Count > 0)
            throw NotReady(row, $"{pending.Count} {(pending.Count == 1 ? "node" : "nodes")} may {what}: {string.Join(", ", pending.Take(MostSaid).Select(Short))}"
                + $"{(pending.Count > MostSaid ? " and more" : "")}. Agents ask every ten minutes: wait, look after those that are off or of an older version "
                + $"(monolith hypervisor list), remove those that are gone, {Forced}.");
        if (ReadyTime(row.Use, row.State, row.CreateTime, row.RetireTime) is { } ready && ready > now)
            throw NotReady(row, row.State == State.Next
                ? $"Guests ask each day whom to trust: by {ready:u} those have that do (others are told when they are made or started). Come back then, "
                    + $"{Forced} until they ask."
                : $"What it signed is good until {ready:u}. Come back then, {Forced}.");
    }

    static Fault NotReady(AuthorityRow row, string message) => Fault.Precondition("NOT_READY", row.Name, message);

    static string Id(AuthorityRow row) => row.Name["certificateAuthorities/".Length..];

    static string Short(string node) => node["nodes/".Length..];
}
