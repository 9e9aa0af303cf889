using System.Text.RegularExpressions;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;

namespace Monolith.Identity.Providers;

internal static partial class ProviderRules
{
    public const int Most = 50, MostTokenCharacters = 16 * 1024;
    const int MostEntries = 20, MostGroups = 200, Longest = 255;
    static readonly TimeSpan ShortestSession = TimeSpan.FromMinutes(1), LongestSession = TimeSpan.FromDays(30);

    static readonly string[] Changeable =
    [
        "display_name", "client_id", "audiences", "scopes", "user_claim", "user_template", "email_claim", "required_claims", "groups_claim",
        "groups", "known_users_only", "session_time", "disabled",
    ];

    public static void Check(CreateIdentityProviderRequest request)
    {
        var violations = new Violations();
        violations.Id("identity_provider_id", request.IdentityProviderId);
        if (!violations.Require(request.IdentityProvider is not null, "identity_provider", "is required")) violations.ThrowIfAny();
        violations.Require(IssuerOf(request.IdentityProvider!.Issuer) is not null, "identity_provider.issuer",
            "must be an https URL without query and fragment, at most 255 characters, as the provider's tokens have it; http for loopback "
            + "addresses alone");
        CheckFields(request.IdentityProvider!, _ => true, violations);
        violations.ThrowIfAny();
    }

    /// <returns>The fields to change.</returns>
    public static IReadOnlySet<string> Check(UpdateIdentityProviderRequest request)
    {
        var violations = new Violations();
        if (!violations.Require(request.IdentityProvider is not null, "identity_provider", "is required")) violations.ThrowIfAny();
        ResourceName.Parse("identityProviders/*", request.IdentityProvider!.Name, "identity_provider.name", violations);
        var changed = Masks.Changed(request.UpdateMask, request.IdentityProvider, Changeable, violations);
        CheckFields(request.IdentityProvider, changed.Contains, violations);
        violations.ThrowIfAny();
        return changed;
    }

    public static void Check(ExchangeIdTokenRequest request)
    {
        var violations = new Violations();
        ResourceName.Parse("identityProviders/*", request.Name, "name", violations);
        violations.Require(request.IdToken.Length is >= 1 and <= MostTokenCharacters, "id_token",
            $"is required, at most {MostTokenCharacters} characters");
        violations.Require(request.Nonce.Length <= Longest, "nonce", $"must be at most {Longest} characters");
        violations.ThrowIfAny();
    }

    /// <summary>Who decides whom a provider vouches for can be everybody.</summary>
    /// <exception cref="Fault">PERMISSION_DENIED.</exception>
    public static void CheckMayVouch(Caller caller)
    {
        Lent.Refuse(caller);
        if (!caller.May(Roles.ManageTokens, null)) throw Fault.Denied(Roles.ManageTokens, "the cloud", caller.Name);
    }

    /// <summary>Null: it can be none.</summary>
    public static Uri? IssuerOf(string text) => text.Length is > 0 and <= Longest && !text.Any(char.IsWhiteSpace)
        && Uri.TryCreate(text, UriKind.Absolute, out var issuer)
        && (issuer.Scheme == Uri.UriSchemeHttps || issuer.Scheme == Uri.UriSchemeHttp && issuer.IsLoopback)
        && issuer.UserInfo.Length == 0 && !text.Contains('?') && !text.Contains('#') ? issuer : null;

    static void CheckFields(IdentityProvider given, Func<string, bool> isChanged, Violations violations)
    {
        const string At = "identity_provider.";
        violations.DisplayName(At + "display_name", given.DisplayName);
        if (isChanged("client_id"))
            violations.Require(given.ClientId.Length > 0 && IsWord(given.ClientId), At + "client_id", $"is required, at most {Longest} characters without blanks");
        CheckWords(At + "audiences", given.Audiences, violations);
        CheckWords(At + "scopes", given.Scopes, violations);
        violations.Require(given.Scopes.Count == 0 || given.Scopes.Contains("openid"), At + "scopes", "must have openid among them, or be empty");
        foreach (var (field, claim) in new[] { ("user_claim", given.UserClaim), ("email_claim", given.EmailClaim), ("groups_claim", given.GroupsClaim) })
            violations.Require(IsWord(claim), At + field, $"must be a claim's name, at most {Longest} characters without blanks");
        violations.Require(given.UserTemplate.Length == 0 || given.UserTemplate.Length <= 100 && Template().IsMatch(given.UserTemplate), At + "user_template",
            "must be {local}, {domain} or {claim}, with letters, digits, dots and hyphens around, at most 100 characters");
        violations.Require(given.RequiredClaims.Count <= MostEntries, At + "required_claims", $"must be at most {MostEntries}");
        for (var i = 0; i < Math.Min(given.RequiredClaims.Count, MostEntries); i++)
            violations.Require(Condition().IsMatch(given.RequiredClaims[i]) && given.RequiredClaims[i].Length <= Longest, $"{At}required_claims[{i}]",
                $"must be claim=value, at most {Longest} characters");
        CheckGroups(At + "groups", given.Groups, violations);
        violations.Require(given.Groups.Count == 0 || !isChanged("groups") || !isChanged("groups_claim") || given.GroupsClaim.Length > 0, At + "groups_claim",
            "is required, where groups say what its values mean");
        if (given.SessionTime is { } time)
            violations.Require(time.Nanos == 0 && time.Seconds >= ShortestSession.TotalSeconds && time.Seconds <= LongestSession.TotalSeconds,
                At + "session_time", "must be whole seconds, one minute to 30 days");
    }

    static void CheckWords(string field, RepeatedField<string> words, Violations violations)
    {
        violations.Require(words.Count <= MostEntries, field, $"must be at most {MostEntries}");
        for (var i = 0; i < Math.Min(words.Count, MostEntries); i++)
            violations.Require(words[i].Length > 0 && IsWord(words[i]), $"{field}[{i}]", $"must be 1 to {Longest} characters without blanks");
    }

    static void CheckGroups(string field, MapField<string, string> groups, Violations violations)
    {
        violations.Require(groups.Count <= MostGroups, field, $"must be at most {MostGroups}");
        foreach (var (theirs, ours) in groups.Take(MostGroups))
        {
            violations.Require(theirs.Length is > 0 and <= Longest && !theirs.Any(char.IsControl), $"{field}[{theirs}]",
                $"a key must have 1 to {Longest} characters without control characters");
            ResourceName.Parse("groups/*", ours, $"{field}[{theirs}]", violations);
        }
    }

    static bool IsWord(string text) => text.Length <= Longest && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c));

    [GeneratedRegex(@"\A[A-Za-z0-9.-]*\{(local|domain|claim)\}[A-Za-z0-9.-]*(\{(local|domain|claim)\}[A-Za-z0-9.-]*)?\z")]
    private static partial Regex Template();

    [GeneratedRegex(@"\A[^=\s\p{C}]+=[^\p{C}]+\z")]
    private static partial Regex Condition();
}
