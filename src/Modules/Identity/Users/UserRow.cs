using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Users;

/// <summary>A person.</summary>
internal sealed class UserRow : ResourceRow
{
    public string Email { get; set; } = "";
    public bool Disabled { get; set; }

    /// <summary>As <see cref="Sessions.Password"/> keeps it; null: nobody signs in by one.</summary>
    public string? PasswordHash { get; set; }

    /// <summary><c>identityProviders/{provider}</c>; null as <see cref="Subject"/> is, when it signs in by none.</summary>
    public string? IdentityProvider { get; set; }

    /// <summary>Who it is there.</summary>
    public string? Subject { get; set; }

    public User ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        DisplayName = DisplayName,
        Email = Email,
        Disabled = Disabled,
        HasPassword = PasswordHash is not null,
        IdentityProvider = IdentityProvider ?? "",
        Subject = Subject ?? "",
        CreateTime = CreateTime.ToTimestamp(),
        UpdateTime = UpdateTime.ToTimestamp(),
    };
}
