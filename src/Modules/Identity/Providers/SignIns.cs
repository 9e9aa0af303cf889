using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Tokens;
using Monolith.Identity.Users;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Providers;

/// <summary>
/// What a proved ID token comes to, in one transaction:
/// <code>
///   not used before ──▶ the subject's user, else a new one ──▶ groups ──▶ token ──▶ signIn event
/// </code>
/// A user belongs to its subject, whatever the subject is called later; a user that was there before belongs to a subject only
/// when an administrator says so.
/// </summary>
internal static class SignIns
{
    public static async Task<ExchangeIdTokenResponse> ExchangeAsync(Unit<IdentityDb> unit, ExchangeIdTokenRequest request, IdTokenClaims claims)
    {
        var provider = await ProviderService.FindAsync(unit.Db, request.Name);
        if (provider.Disabled) throw SignInRules.ProviderDisabled(provider);
        await UseAsync(unit, claims);
        var user = await UserAsync(unit, provider, claims);
        unit.Call.Origin?.Proved = user.Name;
        if (user.Disabled) throw SignInRules.UserDisabled(user);
        await GroupMembership.ApplyAsync(unit, user, provider, SignInRules.GroupsOf(provider, claims));
        await Sessions.Session.ForgetOldAsync(unit, user.Name);
        var secret = TokenSecret.Make();
        var row = TokenRow.Of(user.Name, secret,
            new Token { DisplayName = "sign-in", ExpireTime = (unit.Now + provider.Session).ToTimestamp() }, unit.Now, isSession: true, provider.Name);
        unit.Db.Tokens.Add(row);
        var token = Tokens.TokenService.Emit(unit, Change.Created, row);
        // Last, so that the audit log is told where the sign-in was.
        unit.Emit("signIn", Change.Created, provider.Name, "", token);
        return new() { Token = token, Secret = request.ValidateOnly ? "" : secret };
    }

    /// <summary>Two who come with the same at once are held apart by the key.</summary>
    static async Task UseAsync(Unit<IdentityDb> unit, IdTokenClaims claims)
    {
        await unit.Db.UsedIdTokens.Where(t => t.ExpireTime < unit.Now).ExecuteDeleteAsync();
        if (await unit.Db.UsedIdTokens.AnyAsync(t => t.Digest == claims.Digest)) throw SignInRules.TokenUsed();
        unit.Db.UsedIdTokens.Add(new() { Digest = claims.Digest, ExpireTime = claims.End });
    }

    static async Task<UserRow> UserAsync(Unit<IdentityDb> unit, ProviderRow provider, IdTokenClaims claims)
    {
        if (await unit.Db.Users.FirstOrDefaultAsync(u => u.IdentityProvider == provider.Name && u.Subject == claims.Subject) is { } linked)
            return linked;
        if (provider.KnownUsersOnly) throw SignInRules.UserUnknown(provider, claims);
        var name = SignInRules.UserOf(provider, claims);
        if (await unit.Db.Users.FirstOrDefaultAsync(u => u.Name == name) is { } other) throw SignInRules.NotLinked(provider, other, claims);
        var row = new UserRow
        {
            Name = name,
            Email = SignInRules.EmailOf(provider, claims),
            IdentityProvider = provider.Name,
            Subject = claims.Subject,
            CreateTime = unit.Now,
            UpdateTime = unit.Now,
        };
        unit.Db.Users.Add(row);
        Users.UserService.Emit(unit, Change.Created, row);
        return row;
    }
}
