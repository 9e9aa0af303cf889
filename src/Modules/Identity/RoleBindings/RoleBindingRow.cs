using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform;
using Monolith.Platform.Storage;

namespace Monolith.Identity.RoleBindings;

/// <summary>A role given to a member on a scope. Nothing of it changes.</summary>
internal sealed class RoleBindingRow : ResourceRow
{
    /// <summary><c>roles/{role}</c></summary>
    public required string Role { get; init; }

    /// <summary>A user, a service account or a group.</summary>
    public required string Member { get; init; }

    /// <summary><c>projects/{project}</c>, or empty for the cloud.</summary>
    public required string Scope { get; init; }

    public RoleBinding ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Role = Role,
        Member = Member,
        Scope = Scope,
        CreateTime = CreateTime.ToTimestamp(),
    };

    public static RoleBindingRow Of(string role, string member, string scope, DateTime now)
    {
        var uid = Chance.NewUid();
        return new()
        {
            Uid = uid,
            Name = $"roleBindings/{uid}",
            Project = scope.Length == 0 ? "" : scope["projects/".Length..],
            Role = role,
            Member = member,
            Scope = scope,
            CreateTime = now,
            UpdateTime = now,
        };
    }
}
