using System.Net;
using Microsoft.EntityFrameworkCore;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Sessions;

/// <summary>Whether a password is a user's, at the pace of <see cref="Guesses"/>.</summary>
internal sealed class PasswordCheck(Store<IdentityDb> store, PasswordWork work, Guesses guesses)
{
    /// <returns>What is kept of it.</returns>
    /// <exception cref="Fault">UNAUTHENTICATED, or RESOURCE_EXHAUSTED.</exception>
    public async Task<string> CheckAsync(string user, string password, Call call, CancellationToken cancel)
    {
        var address = IPAddress.TryParse(call.Origin?.Peer, out var peer) ? Peer.Neighbourhood(peer) : "";
        var attempt = guesses.Begin(user, address);
        string? kept;
        bool isRight;
        try
        {
            var row = await store.ReadAsync(db => db.Users.FirstOrDefaultAsync(u => u.Name == user));
            kept = row is { Disabled: false, PasswordHash: { } hash } ? hash : null;
            isRight = await work.VerifyAsync(password, kept ?? Password.Nobodys, cancel) && kept is not null;
        }
        catch
        {
            // Too busy, or whoever asked is gone: nobody has learned anything.
            attempt.TakeBack();
            throw;
        }
        if (!isRight) throw SessionRules.Refused();
        attempt.Right();
        return kept!;
    }
}
