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
        ResourceName.Parse("users/*", request.Parent, "parent", violations);
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

    /// <summary>Callers handle their own tokens, unless by one that is limited; that, and others' tokens, need a permission on
    /// the cloud.</summary>
    /// <exception cref="Fault">PERMISSION_DENIED.</exception>
    public static void CheckOwner(Caller caller, string user)
    {
        if ((caller.Name != user || caller.IsLimited) && !caller.May(Roles.ManageTokens, null))
            throw Fault.Denied(Roles.ManageTokens, "the cloud", caller.Name);
    }

    static bool IsTime(Timestamp time) =>
        time.Seconds is >= -62_135_596_800 and <= 253_402_300_799 && time.Nanos is >= 0 and <= 999_999_999;
}
