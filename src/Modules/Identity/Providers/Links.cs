using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Users;
using Monolith.Identity.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Providers;

/// <summary>Which users belong to whom a provider knows, as administrators say.</summary>
internal static class Links
{
    /// <summary>Links a user as it is given; whoever it was linked to is signed out. Nothing happens when nothing changes.</summary>
    /// <exception cref="Fault">PERMISSION_DENIED; INVALID_ARGUMENT for a provider that is not there; ALREADY_EXISTS when another user is
    /// linked so.</exception>
    public static async Task SetAsync(Unit<IdentityDb> unit, UserRow row, User given)
    {
        if (given.IdentityProvider == (row.IdentityProvider ?? "") && given.Subject == (row.Subject ?? "")) return;
        ProviderRules.CheckMayVouch(unit.Call.Caller);
        foreach (var token in await unit.Db.Tokens.Where(t => t.User == row.Name && t.IdentityProvider != "").ToListAsync())
        {
            unit.Db.Tokens.Remove(token);
            Tokens.TokenService.Emit(unit, Change.Deleted, token);
        }
        (row.IdentityProvider, row.Subject) = (null, null);
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
}
