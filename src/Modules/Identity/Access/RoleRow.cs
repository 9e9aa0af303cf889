using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Access;

/// <summary>A role that the cloud's administrators made.</summary>
internal sealed class RoleRow : ResourceRow
{
    public string Description { get; set; } = "";

    /// <summary>In order, with blanks between them.</summary>
    public string Permissions { get; set; } = "";

    public static string Store(IEnumerable<string> permissions) => string.Join(' ', permissions.Distinct().Order(StringComparer.Ordinal));

    public Role ToRole()
    {
        var permissions = new PermissionSet(Permissions.Split(' '), []);
        var scope = RoleScope.Cloud;
        if (Permissions.Split(' ').Any(Roles.WithinProject(permissions).Contains)) scope |= RoleScope.Project;
        if (Permissions.Split(' ').Any(Roles.WithinDomain(permissions).Contains)) scope |= RoleScope.Domain;
        return new(Name, Description, scope, permissions);
    }

    public V1.Role ToProto()
    {
        var role = RoleService.ToProto(ToRole(), isBuiltIn: false);
        (role.Uid, role.Etag) = (Uid.ToString(), Etag);
        (role.CreateTime, role.UpdateTime) = (CreateTime.ToTimestamp(), UpdateTime.ToTimestamp());
        return role;
    }

    /// <summary>Built in or made; null: there is none of that name that could be bound.</summary>
    public static async Task<Role?> FindAsync(IdentityDb db, string name) => Roles.Find(name) is { } known
        ? known.Scope == RoleScope.None ? null : known
        : (await db.Roles.AsNoTracking().FirstOrDefaultAsync(r => r.Name == name))?.ToRole();
}
