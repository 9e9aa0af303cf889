using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.AccessTokens;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Sessions;

internal sealed class SessionService(Store<IdentityDb> store, Registry registry, PasswordCheck passwords, SignedTokens signedTokens,
    TimeProvider time) : V1.SessionService.SessionServiceBase
{
    public override async Task<CreateTokenResponse> CreateSession(CreateSessionRequest request, ServerCallContext context)
    {
        var ttl = SessionRules.Check(request);
        var kept = await passwords.CheckAsync(request.Parent, request.Password, context.GetCall(), context.CancellationToken);
        var call = context.GetCall() with { Caller = new Caller(request.Parent, []) };
        // Not even a hash of it is kept with the request.
        var known = request.Clone();
        known.Password = "";
        var made = await store.MutateAsync(call, known, async unit =>
        {
            var user = await unit.Db.Users.FirstOrDefaultAsync(u => u.Name == request.Parent);
            // It may be another since.
            if (user is null || user.Disabled || user.PasswordHash != kept) throw SessionRules.Refused();
            await Session.ForgetOldAsync(unit, user.Name);
            var (row, secret) = Session.Of(user.Name, request.DisplayName, ttl, unit.Now);
            unit.Db.Tokens.Add(row);
            return new CreateTokenResponse
            {
                Token = Tokens.TokenService.Emit(unit, Change.Created, row),
                Secret = request.ValidateOnly ? "" : secret,
            };
        }, context.CancellationToken, remember: response => new() { Token = response.Token });
        await registry.CaughtUpAsync();
        return made;
    }

    public override async Task<IssueAccessTokenResponse> IssueAccessToken(IssueAccessTokenRequest request, ServerCallContext context)
    {
        var ttl = SessionRules.Check(request);
        var caller = context.GetCall().Caller;
        if (registry.Known.TokenOf(caller.Credential) is not { } shown)
            throw Fault.Precondition("CREDENTIAL_ISSUES_NONE", caller.Name,
                "Access tokens are issued to who shows a token that is kept: not an access token, nor a certificate.");
        // Others take whoever shows one for the whole of the caller.
        if (caller.IsLimited && request.Audience.Length > 0)
            throw new Fault(StatusCode.PermissionDenied, "CREDENTIAL_IS_LIMITED", $"{caller.Credential} is limited to some of what {caller.Name} may, which "
                + $"{request.Audience} could not know. Show one that is not.");
        var expires = time.GetUtcNow() + ttl;
        if (shown.Expires is { } end && end < expires.UtcDateTime) expires = new(end, TimeSpan.Zero);
        return new()
        {
            AccessToken = await signedTokens.IssueAsync(caller, caller.Credential, request.Audience, registry.Known.GroupsOf(caller.Name), expires, context.CancellationToken),
            ExpireTime = expires.ToTimestamp(),
        };
    }
}
