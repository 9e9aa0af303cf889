using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;

namespace Monolith.Identity.Users;

internal static partial class UserRules
{
    static readonly string[] Changeable = ["display_name", "email", "disabled", "identity_provider", "subject"];

    public static void Check(CreateUserRequest request)
    {
        var violations = new Violations();
        violations.Require(UserId().IsMatch(request.UserId), "user_id", "must be 1 to 63 lower-case letters, digits, "
            + "hyphens and dots, start with a letter and end with a letter or a digit");
        if (request.User is { } user) CheckWords(user, violations);
        violations.ThrowIfAny();
    }

    /// <returns>The fields to change.</returns>
    public static IReadOnlySet<string> Check(UpdateUserRequest request)
    {
        var violations = new Violations();
        if (!violations.Require(request.User is not null, "user", "is required")) violations.ThrowIfAny();
        ResourceName.Parse("users/*", request.User!.Name, "user.name", violations);
        var changed = Masks.Changed(request.UpdateMask, request.User, Changeable, violations);
        CheckWords(request.User, violations);
        violations.ThrowIfAny();
        return changed;
    }

    /// <summary>Somebody must be left who can give rights: without this, one call locks everybody out for good. Who is it by a group
    /// does not count: what becomes of groups is nobody's farewell.</summary>
    /// <param name="without">The user who stops counting, or null.</param>
    /// <param name="withoutBinding">The binding that stops counting, or null.</param>
    /// <exception cref="Fault">FAILED_PRECONDITION when nobody would be left.</exception>
    public static async Task CheckAdministratorLeftAsync(IdentityDb db, string subject, string? without,
        string? withoutBinding)
    {
        var left = await db.RoleBindings.AnyAsync(b => b.Role == Roles.Admin && b.Scope == ""
            && b.Member != without && b.Name != withoutBinding
            && db.Users.Any(u => u.Name == b.Member && !u.Disabled));
        if (!left)
            throw Fault.Precondition("LAST_ADMINISTRATOR", subject,
                $"{subject} is the cloud's last administrator. Bind {Roles.Admin} to another user, and not by a group, first.");
    }

    static void CheckWords(User user, Violations violations)
    {
        violations.DisplayName("user.display_name", user.DisplayName);
        violations.Require(user.Email.Length == 0 || IsEmail(user.Email), "user.email",
            "must be an address like name@example.com, at most 254 characters, or empty");
        if (user.IdentityProvider.Length > 0)
            ResourceName.Parse("identityProviders/*", user.IdentityProvider, "user.identity_provider", violations);
        violations.Require((user.IdentityProvider.Length > 0) == (user.Subject.Length > 0), "user.subject", "must be given together with the identity provider");
        violations.Require(user.Subject.Length <= 255 && user.Subject.All(c => c is >= ' ' and <= '~'), "user.subject",
            "must be at most 255 ASCII characters");
    }

    public static bool IsId(string text) => UserId().IsMatch(text);

    public static bool IsEmail(string text) => text.Length <= 254 && Email().IsMatch(text);

    [GeneratedRegex(@"\A[a-z]([a-z0-9.-]{0,61}[a-z0-9])?\z")]
    private static partial Regex UserId();

    [GeneratedRegex(@"\A[^@\s\p{C}]+@[^@\s\p{C}]+\z")]
    private static partial Regex Email();
}
