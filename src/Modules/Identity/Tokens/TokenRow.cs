using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Tokens;

/// <summary>A token of a user or a service account. Nothing of it changes; a revoked one has no row.</summary>
internal sealed class TokenRow : ResourceRow
{
    /// <summary><c>users/{user}</c>, or a service account.</summary>
    public required string User { get; init; }

    /// <summary>SHA-256 of the secret.</summary>
    public required byte[] Digest { get; init; }

    /// <summary>UTC; null: never.</summary>
    public DateTime? ExpireTime { get; init; }

    /// <summary>In order, with blanks between them; empty: all of its user's.</summary>
    public string Permissions { get; init; } = "";

    /// <summary><c>projects/{project}</c>, or empty.</summary>
    public string Scope { get; init; } = "";

    /// <summary>Of who signed in.</summary>
    public bool IsSession { get; init; }

    /// <summary><c>identityProviders/{provider}</c> whose sign-in it is, or empty.</summary>
    public string IdentityProvider { get; init; } = "";

    /// <summary>Null: it has none.</summary>
    public TokenLimits? ToLimits() => Permissions.Length == 0 && Scope.Length == 0
        ? null
        : new(Permissions.Split(' ', StringSplitOptions.RemoveEmptyEntries), Scope);

    public Token ToProto() => new()
    {
        Permissions = { Permissions.Split(' ', StringSplitOptions.RemoveEmptyEntries) },
        Scope = Scope,
        Session = IsSession,
        IdentityProvider = IdentityProvider,
        Name = Name,
        Uid = Uid.ToString(),
        DisplayName = DisplayName,
        ExpireTime = ExpireTime?.ToTimestamp(),
        CreateTime = CreateTime.ToTimestamp(),
    };

    /// <param name="provider">Whose sign-in it is; empty: none's.</param>
    public static TokenRow Of(string user, string secret, Token token, DateTime now, bool isSession = false, string provider = "")
    {
        var uid = Chance.NewUid();
        return new()
        {
            Uid = uid,
            Name = $"{user}/tokens/{uid}",
            Project = Platform.Names.ResourceName.ProjectOf(user) ?? "",
            User = user,
            Digest = TokenSecret.Digest(secret),
            DisplayName = token.DisplayName,
            ExpireTime = token.ExpireTime?.ToDateTime(),
            Permissions = RoleRow.Store(token.Permissions),
            Scope = token.Scope,
            IsSession = isSession,
            IdentityProvider = provider,
            CreateTime = now,
            UpdateTime = now,
        };
    }
}
