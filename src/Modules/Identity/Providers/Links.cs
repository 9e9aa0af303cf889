using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.Users;
using Monolith.Identity.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Providers;

/// <summary>Which users belong to whom a provider knows, as administrators say.</summary>
internal static class Links
{
    /// <summary>Links a user as it is given. Whoever it was linked to is that user no longer: every token goes, whoever it was made
    /// by, the password, and what the provider said of groups. Nothing happens when nothing changes.</summary>
    /// <exception cref="Fault">PERMISSION_DENIED; INVALID_ARGUMENT for a provider that is not there; ALREADY_EXISTS when another user is
    /// linked so.</exception>
    public static async Task SetAsync(Unit<IdentityDb> unit, UserRow row, User given)
    {
        if (given.IdentityProvider == (row.IdentityProvider ?? "") && given.Subject == (row.Subject ?? "")) return;
        ProviderRules.CheckMayVouch(unit.Call.Caller);
        if (row.IdentityProvider is not null)
        {
            await CutAsync(unit, row);
            await Members.SignOutAsync(unit, row.Name);
            row.PasswordHash = null;
        }
        if (given.IdentityProvider.Length == 0) return;
        if (!await unit.Db.IdentityProviders.AnyAsync(p => p.Name == given.IdentityProvider))
            throw Fault.Invalid("user.identity_provider", $"{given.IdentityProvider} does not exist");
        if (await unit.Db.Users.AsNoTracking().FirstOrDefaultAsync(u => u.Name != row.Name
            && u.IdentityProvider == given.IdentityProvider && u.Subject == given.Subject) is { } other)
            throw new Fault(StatusCode.AlreadyExists, "SUBJECT_IS_LINKED", $"{other.Name} is who {given.IdentityProvider} calls {given.Subject}, and one subject has "
                + $"one user. Unlink or delete {other.Name} first: monolith user update {other.Name["users/".Length..]} --identity-provider '' --subject ''.")
            {
                Metadata = new Dictionary<string, string> { ["resource"] = other.Name },
            };
        (row.IdentityProvider, row.Subject) = (given.IdentityProvider, given.Subject);
    }

    /// <summary>The user signs in by no provider: its sign-ins go, and its places in groups that the provider spoke of.</summary>
    public static async Task CutAsync(Unit<IdentityDb> unit, UserRow row)
    {
        if (row.IdentityProvider is not { } provider) return;
        foreach (var token in await unit.Db.Tokens.Where(t => t.User == row.Name && t.IdentityProvider != "").ToListAsync())
        {
            unit.Db.Tokens.Remove(token);
            Tokens.TokenService.Emit(unit, Change.Deleted, token);
        }
        if (await unit.Db.IdentityProviders.AsNoTracking().FirstOrDefaultAsync(p => p.Name == provider) is { } known)
            await GroupMembership.LeaveAsync(unit, [row.Name], [.. known.GroupMap.Values]);
        (row.IdentityProvider, row.Subject) = (null, null);
    }
}
