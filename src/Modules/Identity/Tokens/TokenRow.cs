using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Tokens;

/// <summary>A user's token. Nothing of it changes; a revoked one has no row.</summary>
internal sealed class TokenRow : ResourceRow
{
    /// <summary><c>users/{user}</c></summary>
    public required string User { get; init; }

    /// <summary>SHA-256 of the secret.</summary>
    public required byte[] Digest { get; init; }

    /// <summary>UTC; null: never.</summary>
    public DateTime? ExpireTime { get; init; }

    public Token ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        DisplayName = DisplayName,
        ExpireTime = ExpireTime?.ToTimestamp(),
        CreateTime = CreateTime.ToTimestamp(),
    };

    public static TokenRow Of(string user, string secret, string displayName, DateTime? expires, DateTime now)
    {
        var uid = Chance.NewUid();
        return new()
        {
            Uid = uid,
            Name = $"{user}/tokens/{uid}",
            User = user,
            Digest = TokenSecret.Digest(secret),
            DisplayName = displayName,
            ExpireTime = expires,
            CreateTime = now,
            UpdateTime = now,
        };
    }
}
