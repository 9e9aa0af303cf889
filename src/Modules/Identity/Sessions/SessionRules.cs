using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Identity.Sessions;

internal static class SessionRules
{
    const int Shortest = 12, Longest = 256, FewestDifferent = 5, LongestAudience = 255;
    static readonly TimeSpan SessionTime = TimeSpan.FromHours(12), LongestSession = TimeSpan.FromDays(30);
    static readonly TimeSpan AccessTime = TimeSpan.FromMinutes(15), LongestAccess = TimeSpan.FromHours(1);

    /// <returns>How long it lasts.</returns>
    public static TimeSpan Check(CreateSessionRequest request)
    {
        var violations = new Violations();
        ResourceName.Parse("users/*", request.Parent, "parent", violations);
        violations.Require(request.Password.Length is > 0 and <= Longest, "password", $"is required, and has at most {Longest} characters");
        violations.DisplayName("display_name", request.DisplayName);
        var ttl = Ttl(request.Ttl, SessionTime, LongestSession, "30 days", violations);
        violations.ThrowIfAny();
        return ttl;
    }

    /// <returns>How long it is good for.</returns>
    public static TimeSpan Check(IssueAccessTokenRequest request)
    {
        var violations = new Violations();
        violations.Require(request.Audience.Length <= LongestAudience && !request.Audience.Any(char.IsControl), "audience",
            $"must have at most {LongestAudience} characters and no control characters");
        var ttl = Ttl(request.Ttl, AccessTime, LongestAccess, "an hour", violations);
        violations.ThrowIfAny();
        return ttl;
    }

    /// <summary>NIST SP 800-63B, 3.1.1: long rather than colourful.</summary>
    public static void Check(SetPasswordRequest request)
    {
        var violations = new Violations();
        var user = ResourceName.Parse("users/*", request.Name, "name", violations)?[0];
        var password = request.Password;
        if (password.Length > 0)
        {
            if (violations.Require(password.Length is >= Shortest and <= Longest, "password", $"must have {Shortest} to {Longest} characters"))
                violations.Require(password.Distinct().Count() >= FewestDifferent, "password", $"must have at least {FewestDifferent} characters that differ");
            violations.Require(user is null || user.Length < 4 || !password.Contains(user, StringComparison.OrdinalIgnoreCase), "password", "must not have the user's id in it");
        }
        violations.Require(request.CurrentPassword.Length <= Longest, "current_password", $"has at most {Longest} characters");
        violations.ThrowIfAny();
    }

    /// <summary>Whether the one before must be shown. Who sets somebody else's can be them: that is what handling their tokens is.</summary>
    /// <exception cref="Fault">PERMISSION_DENIED.</exception>
    public static bool MustShow(Caller caller, string user)
    {
        Lent.Refuse(caller);
        if (caller.May(Roles.ManageTokens, null)) return false;
        if (caller.Name == user && !caller.IsLimited) return true;
        throw Fault.Denied(Roles.ManageTokens, "the cloud", caller.Name);
    }

    /// <summary>One answer, whatever was wrong: who may sign in is nobody's business.</summary>
    public static Fault Refused() => new(StatusCode.Unauthenticated, "SIGN_IN_REFUSED",
        "The user or the password is wrong, or the user is disabled or has no password. An administrator of the cloud can set one: "
        + "monolith user set-password USER");

    static TimeSpan Ttl(Duration? given, TimeSpan otherwise, TimeSpan longest, string words, Violations violations)
    {
        if (given is null) return otherwise;
        var ttl = given.Seconds is < 0 or > 100_000_000 || given.Nanos is < 0 or > 999_999_999 ? TimeSpan.Zero : given.ToTimeSpan();
        violations.Require(ttl > TimeSpan.Zero && ttl <= longest, "ttl", $"must be longer than nothing and at most {words}");
        return ttl;
    }
}
