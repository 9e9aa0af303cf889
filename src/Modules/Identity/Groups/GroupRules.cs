using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Role = Monolith.Identity.Access.Role;

namespace Monolith.Identity.Groups;

internal static class GroupRules
{
    public const int Most = 5_000;
    public const int MostNamed = 10;
    const int MostAtOnce = 1_000;
    static readonly string[] Changeable = ["display_name", "members"];

    public static void Check(CreateGroupRequest request)
    {
        var violations = new Violations();
        violations.Id("group_id", request.GroupId);
        violations.DisplayName("group.display_name", request.Group?.DisplayName ?? "");
        CheckMembers(request.Group?.Members ?? [], "group.members", Most, violations);
        violations.ThrowIfAny();
    }

    /// <returns>The fields to change.</returns>
    public static IReadOnlySet<string> Check(UpdateGroupRequest request)
    {
        var violations = new Violations();
        if (!violations.Require(request.Group is not null, "group", "is required")) violations.ThrowIfAny();
        ResourceName.Parse("groups/*", request.Group!.Name, "group.name", violations);
        var changed = Masks.Changed(request.UpdateMask, request.Group, Changeable, violations);
        violations.DisplayName("group.display_name", request.Group.DisplayName);
        CheckMembers(request.Group.Members, "group.members", Most, violations);
        violations.ThrowIfAny();
        return changed;
    }

    /// <summary>Of members that come or go.</summary>
    public static void Check(string name, IReadOnlyList<string> members)
    {
        var violations = new Violations();
        ResourceName.Parse("groups/*", name, "name", violations);
        violations.Require(members.Count > 0, "members", "is required");
        CheckMembers(members, "members", MostAtOnce, violations);
        violations.ThrowIfAny();
    }

    public static void CheckCount(int count)
    {
        if (count > Most)
            throw Fault.Invalid("members", $"would be {count}, and a group has at most {Most}: make a second group, and bind its roles to both");
    }

    /// <summary>Who could fill a group whose roles they do not have could do everything.</summary>
    /// <param name="roles">What is bound to the group, and where.</param>
    /// <exception cref="Fault">PERMISSION_DENIED that names what is missing.</exception>
    public static void CheckGiver(Caller giver, string group, IEnumerable<(Role Role, string Scope)> roles)
    {
        foreach (var (role, scope) in roles)
        {
            var missing = Roles.Missing(role, giver, ResourceName.ScopeOf(scope));
            if (missing.Count > 0)
                throw new Fault(Grpc.Core.StatusCode.PermissionDenied, "GIVES_MORE_THAN_HELD",
                    $"{giver.Name} lacks on {(scope.Length == 0 ? "the cloud" : scope)} what {group} has there by {role.Name}: "
                    + $"{string.Join(", ", missing.Take(MostNamed))}{(missing.Count > MostNamed ? $" and {missing.Count - MostNamed} more" : "")}. "
                    + "Somebody who has these can add members to it.")
                {
                    Metadata = new Dictionary<string, string>
                    {
                        ["role"] = role.Name, ["scope"] = scope, ["missing"] = string.Join(",", missing),
                    },
                };
        }
    }

    static void CheckMembers(IReadOnlyList<string> members, string field, int most, Violations violations)
    {
        violations.Require(members.Count <= most, field, $"must be at most {most}");
        for (var i = 0; i < Math.Min(members.Count, most); i++)
            violations.Require(Members.IsOne(members[i]), $"{field}[{i}]", Members.Expected(members[i]));
    }
}
