using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;

namespace Monolith.Identity.Access;

internal static class RoleRules
{
    public const int Most = 500;
    const int MostPermissions = 500, LongestDescription = 200;
    static readonly string[] Changeable = ["description", "permissions"];

    public static void Check(CreateRoleRequest request)
    {
        var violations = new Violations();
        violations.Id("role_id", request.RoleId);
        if (!violations.Require(request.Role is not null, "role", "is required")) violations.ThrowIfAny();
        CheckDescription(request.Role!, violations);
        CheckPermissions(request.Role!, violations);
        violations.ThrowIfAny();
    }

    /// <returns>The fields to change.</returns>
    public static IReadOnlySet<string> Check(UpdateRoleRequest request)
    {
        var violations = new Violations();
        if (!violations.Require(request.Role is not null, "role", "is required")) violations.ThrowIfAny();
        ResourceName.Parse("roles/*", request.Role!.Name, "role.name", violations);
        var changed = Masks.Changed(request.UpdateMask, request.Role, Changeable, violations);
        if (changed.Contains("description")) CheckDescription(request.Role, violations);
        if (changed.Contains("permissions")) CheckPermissions(request.Role, violations);
        violations.ThrowIfAny();
        if (Roles.Find(request.Role.Name) is not null) throw BuiltIn(request.Role.Name);
        return changed;
    }

    public static Fault BuiltIn(string role) => Fault.Precondition("ROLE_IS_BUILT_IN", role,
        $"{role} is built in, and stays as it is. Make one of your own: monolith role create ROLE --permission …");

    /// <summary>Who could add to a role that is bound to them what they do not have could do everything.</summary>
    public static void CheckAdded(Caller caller, Role before, Role after)
    {
        var missing = Roles.Missing(after, caller, null).Where(p => !before.Permissions.Contains(p)).ToList();
        if (missing.Count > 0)
            throw new Fault(Grpc.Core.StatusCode.PermissionDenied, "GIVES_MORE_THAN_HELD",
                $"{caller.Name} lacks on the cloud what would be added to {after.Name}: {string.Join(", ", missing)}. Somebody who has these can add it.")
            {
                Metadata = new Dictionary<string, string> { ["role"] = after.Name, ["missing"] = string.Join(",", missing) },
            };
    }

    static void CheckDescription(V1.Role role, Violations violations) => violations.Require(
        role.Description.Length <= LongestDescription && !role.Description.Any(char.IsControl), "role.description",
        $"must be at most {LongestDescription} characters, without control characters");

    static void CheckPermissions(V1.Role role, Violations violations)
    {
        violations.Require(role.Permissions.Count is >= 1 and <= MostPermissions, "role.permissions", $"must be 1 to {MostPermissions}");
        for (var i = 0; i < Math.Min(role.Permissions.Count, MostPermissions); i++)
            violations.Require(Roles.IsForUsers(role.Permissions[i]), $"role.permissions[{i}]", Roles.IsPermission(role.Permissions[i])
                ? "is what only nodes have, by their certificates"
                : $"'{role.Permissions[i]}' is no permission: no method asks for it. {Roles.Admin} shows what there is");
    }
}
