using Grpc.Core;
using Monolith.Identity.Users;
using Monolith.Platform.Faults;

namespace Monolith.Identity.Providers;

/// <summary>Who somebody is here whom a provider vouches for, and whether that one is let in. Pure.</summary>
internal static class SignInRules
{
    static readonly string[] DefaultClaims = ["preferred_username", "email"];

    /// <exception cref="Fault">PERMISSION_DENIED that names the claim.</exception>
    public static void CheckRequired(ProviderRow provider, IdTokenClaims claims)
    {
        foreach (var condition in ProviderRow.Lines(provider.RequiredClaims))
        {
            var (claim, value) = (condition[..condition.IndexOf('=')], condition[(condition.IndexOf('=') + 1)..]);
            if (!claims.All(claim).Contains(value, StringComparer.Ordinal))
                throw new Fault(StatusCode.PermissionDenied, "CLAIM_REFUSED",
                    $"{provider.Name} lets in only whose token says {condition}. Ask at the provider for that, or sign in as somebody else.")
                {
                    Metadata = new Dictionary<string, string> { ["provider"] = provider.Name, ["claim"] = claim },
                };
        }
    }

    /// <summary>The name of the user that is made at a first sign-in.</summary>
    /// <exception cref="Fault">FAILED_PRECONDITION when no user can be called so.</exception>
    public static string UserOf(ProviderRow provider, IdTokenClaims claims)
    {
        string[] from = provider.UserClaim.Length > 0 ? [provider.UserClaim] : DefaultClaims;
        var claim = from.Select(claims.Text).FirstOrDefault(c => c.Length > 0);
        if (claim is null)
            throw Fault.Precondition("USER_CLAIM_MISSING", provider.Name,
                $"The ID token has no claim {string.Join(" or ", from)}, which would say what the user is called. Have the provider give it "
                + "for the scopes that are asked for, or an administrator name another: "
                + $"monolith identity-provider update {Id(provider)} --user-claim CLAIM");
        var at = claim.LastIndexOf('@');
        var id = (provider.UserTemplate.Length > 0 ? provider.UserTemplate : "{local}")
            .Replace("{local}", at < 0 ? claim : claim[..at], StringComparison.Ordinal)
            .Replace("{domain}", at < 0 ? "" : claim[(at + 1)..], StringComparison.Ordinal)
            .Replace("{claim}", claim, StringComparison.Ordinal)
            .ToLowerInvariant().Replace('_', '-');
        if (UserRules.IsId(id)) return "users/" + id;
        throw Fault.Precondition("USER_NAME_ILLEGAL", provider.Name,
            $"The ID token's '{Clean(claim)}' would make the user '{Clean(id)}', which no user can be called. An administrator can make a user and "
            + $"link it: {Linking(provider, "users/USER", claims.Subject)}; or say how names are made: monolith identity-provider update {Id(provider)} --user-template …");
    }

    /// <summary>Empty where it has none that is to be believed.</summary>
    public static string EmailOf(ProviderRow provider, IdTokenClaims claims)
    {
        var email = claims.Text(provider.EmailClaim.Length > 0 ? provider.EmailClaim : "email");
        return UserRules.IsEmail(email) && !claims.All("email_verified").Contains("false") ? email : "";
    }

    /// <summary>Groups here that the token puts its user into.</summary>
    public static IReadOnlySet<string> GroupsOf(ProviderRow provider, IdTokenClaims claims) => provider.GroupsClaim.Length == 0
        ? new HashSet<string>()
        : claims.All(provider.GroupsClaim).Select(g => provider.GroupMap.GetValueOrDefault(g)).OfType<string>().ToHashSet(StringComparer.Ordinal);

    public static Fault ProviderDisabled(ProviderRow provider) => Fault.Precondition("PROVIDER_DISABLED", provider.Name,
        $"Nobody signs in by {provider.Name}: it is disabled. Take another, or ask an administrator of the cloud.");

    public static Fault UserDisabled(UserRow user) => Fault.Unauthenticated("USER_DISABLED",
        $"{user.Name} is disabled. Ask an administrator of the cloud to enable it.");

    public static Fault TokenUsed() => Fault.Unauthenticated("ID_TOKEN_USED",
        "The ID token is not believed. It was exchanged before, and is good for once. Sign in again: monolith login.");

    public static Fault UserUnknown(ProviderRow provider, IdTokenClaims claims) => new(StatusCode.PermissionDenied, "USER_UNKNOWN",
        $"{provider.Name} lets in only users who are known, and its subject {claims.Subject} is none. An administrator can link one: "
        + Linking(provider, "users/USER", claims.Subject) + ".")
    {
        Metadata = new Dictionary<string, string> { ["provider"] = provider.Name, ["subject"] = claims.Subject },
    };

    /// <summary>A name at the provider is no proof of who somebody is here.</summary>
    public static Fault NotLinked(ProviderRow provider, UserRow user, IdTokenClaims claims)
    {
        var message = user.Subject is null
            ? $"{user.Name} is there already, and is not linked to whom {provider.Name} calls {claims.Subject}. If they are one and the same, an administrator "
                + $"links them: {Linking(provider, user.Name, claims.Subject)}."
            : $"{user.Name} is somebody else than {claims.Subject} of {provider.Name}. An administrator can make another user and link it: "
                + $"{Linking(provider, "users/USER", claims.Subject)}.";
        return new(StatusCode.FailedPrecondition, "USER_NOT_LINKED", message)
        {
            Metadata = new Dictionary<string, string> { ["resource"] = user.Name, ["provider"] = provider.Name, ["subject"] = claims.Subject },
            Preconditions = [new("USER_NOT_LINKED", user.Name, message)],
        };
    }

    static string Linking(ProviderRow provider, string user, string subject) =>
        $"monolith user update {user["users/".Length..]} --identity-provider {Id(provider)} --subject '{subject}'";

    static string Id(ProviderRow provider) => provider.Name["identityProviders/".Length..];

    static string Clean(string text) => new([.. text.Where(c => !char.IsControl(c)).Take(100)]);
}
