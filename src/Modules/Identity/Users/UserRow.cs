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

    public User ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        DisplayName = DisplayName,
        Email = Email,
        Disabled = Disabled,
        HasPassword = PasswordHash is not null,
        CreateTime = CreateTime.ToTimestamp(),
        UpdateTime = UpdateTime.ToTimestamp(),
    };
}
