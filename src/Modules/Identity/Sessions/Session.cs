using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Tokens;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Sessions;

/// <summary>A token that somebody got who signed in. It ends by itself, or when the user's password changes.</summary>
internal static class Session
{
    const int MostAtOnce = 100;

    /// <summary>Kept so long, so that a refusal can say that it has expired.</summary>
    static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    public static (TokenRow Row, string Secret) Of(string user, string displayName, TimeSpan ttl, DateTime now)
    {
        var secret = TokenSecret.Make();
        return (TokenRow.Of(user, secret, new() { DisplayName = displayName, ExpireTime = (now + ttl).ToTimestamp() }, now, isSession: true), secret);
    }

    /// <summary>Somebody who signs in each morning leaves no heap.</summary>
    public static async Task ForgetOldAsync(Unit<IdentityDb> unit, string user)
    {
        var old = unit.Now - Kept;
        await EndAsync(unit, unit.Db.Tokens.Where(t => t.User == user && t.IsSession && t.ExpireTime < old).OrderBy(t => t.Name).Take(MostAtOnce));
    }

    public static Task EndAllAsync(Unit<IdentityDb> unit, string user) => EndAsync(unit, unit.Db.Tokens.Where(t => t.User == user && t.IsSession));

    static async Task EndAsync(Unit<IdentityDb> unit, IQueryable<TokenRow> sessions)
    {
        foreach (var row in await sessions.ToListAsync())
        {
            unit.Db.Tokens.Remove(row);
            TokenService.Emit(unit, Change.Deleted, row);
        }
    }
}
