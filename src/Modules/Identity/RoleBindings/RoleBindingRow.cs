using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity.RoleBindings;

/// <summary>A role given to a member on a scope. Nothing of it changes.</summary>
internal sealed class RoleBindingRow : ResourceRow
{
    /// <summary><c>roles/{role}</c></summary>
    public required string Role { get; init; }

    /// <summary>A user, a service account or a group.</summary>
    public required string Member { get; init; }

    /// <summary><c>domains/{domain}</c>, <c>projects/{project}</c>, a resource in it, or empty for the cloud.</summary>
    public required string Scope { get; init; }

    /// <summary>Of that resource; empty: the scope is none.</summary>
    public Guid ScopeUid { get; init; }

    /// <summary>As <see cref="Platform.Names.Labels"/> stores them; empty: it counts for all.</summary>
    public string ResourceLabels { get; init; } = "";

    public RoleBinding ToProto()
    {
        var binding = new RoleBinding
        {
            Name = Name,
            Uid = Uid.ToString(),
            Role = Role,
            Member = Member,
            Scope = Scope,
            ScopeUid = ScopeUid == Guid.Empty ? "" : ScopeUid.ToString(),
            CreateTime = CreateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(ResourceLabels, binding.ResourceLabels);
        return binding;
    }

    public CallerGrant ToGrant(Access.Role role) => Roles.Grant(role, Scope) with
    {
        Group = Members.IsGroup(Member) ? Member : "",
        Uid = ScopeUid,
        Labels = Platform.Names.Labels.Read(ResourceLabels),
    };

    public static RoleBindingRow Of(string role, string member, string scope, DateTime now, Guid scopeUid = default, string resourceLabels = "")
    {
        var uid = Chance.NewUid();
        return new()
        {
            Uid = uid,
            Name = $"roleBindings/{uid}",
            Project = Platform.Names.ResourceName.ScopeOf(scope) ?? "",
            Role = role,
            Member = member,
            Scope = scope,
            ScopeUid = scopeUid,
            ResourceLabels = resourceLabels,
            CreateTime = now,
            UpdateTime = now,
        };
    }
}
