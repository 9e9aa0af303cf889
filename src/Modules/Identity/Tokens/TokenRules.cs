using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Identity.Tokens;

internal static class TokenRules
{
    public static readonly TimeSpan DefaultJoinTime = TimeSpan.FromHours(1);
    static readonly TimeSpan LongestJoinTime = TimeSpan.FromDays(7);

    public const int MostPermissions = 100;

    /// <param name="exists">Whether there is a project of that id.</param>
    public static void Check(CreateTokenRequest request, Func<string, bool> exists, DateTimeOffset now)
    {
        var violations = new Violations();
        CheckParent(request.Parent, violations);
        if (request.Token is { } token)
        {
            violations.DisplayName("token.display_name", token.DisplayName);
            if (token.ExpireTime is { } expires
                && violations.Require(IsTime(expires), "token.expire_time", "is not a time"))
                violations.Require(expires.ToDateTimeOffset() > now, "token.expire_time",
                    "must be in the future, or unset for a token that does not expire");
            CheckLimits(token, exists, violations);
        }
        violations.ThrowIfAny();
    }

    static void CheckLimits(Token token, Func<string, bool> exists, Violations violations)
    {
        violations.Require(token.Permissions.Count <= MostPermissions, "token.permissions", $"must be at most {MostPermissions}");
        for (var i = 0; i < Math.Min(token.Permissions.Count, MostPermissions); i++)
            violations.Require(Roles.IsForUsers(token.Permissions[i]), $"token.permissions[{i}]",
                $"'{token.Permissions[i]}' is no permission that a user can have");
        if (token.Scope.Length > 0 && ResourceName.Parse("projects/*", token.Scope, "token.scope", violations) is [var project])
            violations.Require(exists(project), "token.scope", $"{token.Scope} does not exist");
    }

    /// <returns>How long the join token may be used.</returns>
    public static TimeSpan Check(CreateJoinTokenRequest request)
    {
        var violations = new Violations();
        violations.Id("node_id", request.NodeId);
        violations.Require(request.Role is NodeRole.Hypervisor or NodeRole.LoadBalancer, "role",
            "must be NODE_ROLE_HYPERVISOR or NODE_ROLE_LOAD_BALANCER");
        var ttl = request.Ttl is null ? DefaultJoinTime
            : request.Ttl.Seconds is < 0 or > 1_000_000 || request.Ttl.Nanos is < 0 or > 999_999_999 ? TimeSpan.Zero
            : request.Ttl.ToTimeSpan();
        violations.Require(ttl > TimeSpan.Zero && ttl <= LongestJoinTime, "ttl",
            "must be longer than nothing and at most seven days");
        violations.ThrowIfAny();
        return ttl;
    }

    /// <summary>Of a token's name.</summary>
    /// <exception cref="Fault">INVALID_ARGUMENT for what is no such name.</exception>
    public static string OwnerOf(string token)
    {
        if (ResourceName.Match(Members.ServiceAccounts + "/tokens/*", token) is null) ResourceName.Parse(Members.Users + "/tokens/*", token);
        return token[..token.LastIndexOf("/tokens/", StringComparison.Ordinal)];
    }

    public static void CheckParent(string parent, Violations violations) => violations.Require(Members.IsOne(parent), "parent",
        Members.Expected(parent));

    /// <summary>Callers handle their own tokens, unless by one that is limited; that, and others' tokens, need a permission: for
    /// users' on the cloud, for service accounts' in their project.</summary>
    /// <exception cref="Fault">NOT_FOUND for what the caller may not know of, else PERMISSION_DENIED.</exception>
    public static void CheckOwner(Caller caller, string user)
    {
        Lent.Refuse(caller);
        var project = ResourceName.ProjectOf(user);
        if (caller.Name == user && !caller.IsLimited || caller.May(Roles.ManageTokens, project)) return;
        if (caller.Name != user && !Members.MayBeKnownTo(caller, user)) throw Fault.NotFound(user);
        throw Fault.Denied(Roles.ManageTokens, project is null ? "the cloud" : "projects/" + project, caller.Name);
    }

    static bool IsTime(Timestamp time) =>
        time.Seconds is >= -62_135_596_800 and <= 253_402_300_799 && time.Nanos is >= 0 and <= 999_999_999;
}
