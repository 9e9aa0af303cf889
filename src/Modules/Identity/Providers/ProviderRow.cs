using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Providers;

/// <summary>A provider of OpenID Connect. Lists have a line for each entry.</summary>
internal sealed class ProviderRow : ResourceRow
{
    public static readonly TimeSpan DefaultSession = TimeSpan.FromHours(12);
    static readonly string[] DefaultScopes = ["openid", "profile", "email"];

    /// <summary>As in its tokens. Immutable.</summary>
    public required string Issuer { get; init; }

    public string ClientId { get; set; } = "";

    public string Audiences { get; set; } = "";

    public string Scopes { get; set; } = "";

    public string UserClaim { get; set; } = "";

    public string UserTemplate { get; set; } = "";

    public string EmailClaim { get; set; } = "";

    /// <summary><c>claim=value</c></summary>
    public string RequiredClaims { get; set; } = "";

    public string GroupsClaim { get; set; } = "";

    /// <summary>A group of the provider's, a tab, and <c>groups/{group}</c>.</summary>
    public string Groups { get; set; } = "";

    public bool KnownUsersOnly { get; set; }

    public long SessionSeconds { get; set; }

    public bool Disabled { get; set; }

    public IEnumerable<string> AskedScopes => Scopes.Length > 0 ? Lines(Scopes) : DefaultScopes;

    public IReadOnlyList<string> AllowedAudiences => Audiences.Length > 0 ? Lines(Audiences) : [ClientId];

    public TimeSpan Session => SessionSeconds > 0 ? TimeSpan.FromSeconds(SessionSeconds) : DefaultSession;

    /// <summary>Groups here, by groups of the provider's.</summary>
    public IReadOnlyDictionary<string, string> GroupMap => Lines(Groups).Select(l => l.Split('\t'))
        .ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);

    public static string[] Lines(string stored) => stored.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Takes the fields of these names.</summary>
    public void Set(IdentityProvider given, Func<string, bool> isChanged)
    {
        if (isChanged("display_name")) DisplayName = given.DisplayName;
        if (isChanged("client_id")) ClientId = given.ClientId;
        if (isChanged("audiences")) Audiences = string.Join('\n', given.Audiences.Distinct());
        if (isChanged("scopes")) Scopes = string.Join('\n', given.Scopes.Distinct());
        if (isChanged("user_claim")) UserClaim = given.UserClaim;
        if (isChanged("user_template")) UserTemplate = given.UserTemplate;
        if (isChanged("email_claim")) EmailClaim = given.EmailClaim;
        if (isChanged("required_claims")) RequiredClaims = string.Join('\n', given.RequiredClaims.Distinct());
        if (isChanged("groups_claim")) GroupsClaim = given.GroupsClaim;
        if (isChanged("groups"))
            Groups = string.Join('\n', given.Groups.OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Key}\t{g.Value}"));
        if (isChanged("known_users_only")) KnownUsersOnly = given.KnownUsersOnly;
        if (isChanged("session_time")) SessionSeconds = given.SessionTime?.Seconds ?? 0;
        if (isChanged("disabled")) Disabled = given.Disabled;
    }

    public IdentityProvider ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        DisplayName = DisplayName,
        Issuer = Issuer,
        ClientId = ClientId,
        Audiences = { Lines(Audiences) },
        Scopes = { AskedScopes },
        UserClaim = UserClaim,
        UserTemplate = UserTemplate,
        EmailClaim = EmailClaim,
        RequiredClaims = { Lines(RequiredClaims) },
        GroupsClaim = GroupsClaim,
        Groups = { GroupMap.ToDictionary() },
        KnownUsersOnly = KnownUsersOnly,
        SessionTime = Session.ToDuration(),
        Disabled = Disabled,
        CreateTime = CreateTime.ToTimestamp(),
        UpdateTime = UpdateTime.ToTimestamp(),
    };

    public SignInProvider ToSignIn() => new()
    {
        Name = Name,
        DisplayName = DisplayName,
        Issuer = Issuer,
        ClientId = ClientId,
        Scopes = { AskedScopes },
    };
}

/// <summary>An ID token that was exchanged; kept until it proves nothing any more.</summary>
internal sealed class UsedIdTokenRow
{
    /// <summary>SHA-256 of what is signed.</summary>
    public required byte[] Digest { get; init; }

    /// <summary>UTC.</summary>
    public DateTime ExpireTime { get; init; }
}
