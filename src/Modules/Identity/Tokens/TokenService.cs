using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.Nodes;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Tokens;

internal sealed class TokenService(Store<IdentityDb> store, Registry registry, JoinTokens joinTokens, TimeProvider time)
    : V1.TokenService.TokenServiceBase
{
    public override async Task<CreateTokenResponse> CreateToken(CreateTokenRequest request, ServerCallContext context)
    {
        var call = context.GetCall();
        var made = await store.MutateAsync(call, request, _ =>
        {
            // A repeat may come when the token has expired.
            // Whether a project is there is told only to who may know of it.
            TokenRules.Check(request, p => call.Caller.Knows(p) && registry.Exists(p), time.GetUtcNow());
            TokenRules.CheckOwner(call.Caller, request.Parent);
            return Task.FromResult(request.Parent);
        }, async (unit, user) =>
        {
            if (!await unit.Db.Users.AnyAsync(u => u.Name == user) && !await unit.Db.ServiceAccounts.AnyAsync(s => s.Name == user))
                throw Fault.NotFound(user);
            var secret = TokenSecret.Make();
            var row = TokenRow.Of(user, secret, request.Token ?? new(), unit.Now);
            unit.Db.Tokens.Add(row);
            return new CreateTokenResponse
            {
                Token = Emit(unit, Change.Created, row),
                Secret = request.ValidateOnly ? "" : secret,
            };
        }, context.CancellationToken, remember: response => new() { Token = response.Token });
        await registry.CaughtUpAsync();
        return made;
    }

    public override async Task<ListTokensResponse> ListTokens(ListTokensRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of<TokenRow>(request, context.GetCall(), null, request.Parent.StartsWith("projects/", StringComparison.Ordinal)
            ? Members.ServiceAccounts : Members.Users);
        TokenRules.CheckOwner(context.GetCall().Caller, request.Parent);
        var found = await store.ReadAsync(db => list.Of(db.Tokens.Where(t => t.User == request.Parent)).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new ListTokensResponse { Tokens = { rows.Select(t => t.ToProto()) }, NextPageToken = next };
    }

    public override async Task<Empty> RevokeToken(RevokeTokenRequest request, ServerCallContext context)
    {
        var user = TokenRules.OwnerOf(request.Name);
        // What has served may end itself.
        if (request.Name != context.GetCall().Caller.Credential) TokenRules.CheckOwner(context.GetCall().Caller, user);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await unit.Db.Tokens.FirstOrDefaultAsync(t => t.Name == request.Name)
                ?? throw Fault.NotFound(request.Name);
            unit.Db.Tokens.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    public override Task<GetCallerResponse> GetCaller(GetCallerRequest request, ServerCallContext context)
    {
        var caller = context.GetCall().Caller;
        return Task.FromResult(new GetCallerResponse
        {
            Name = caller.Name,
            Grants = { caller.Grants.Where(g => g.From.Length == 0).Select(Explanation.ToProto) },
            Credential = caller.Credential,
            Limited = caller.IsLimited,
        });
    }

    public override Task<CreateJoinTokenResponse> CreateJoinToken(CreateJoinTokenRequest request,
        ServerCallContext context)
    {
        var ttl = TokenRules.Check(request);
        Lent.Refuse(context.GetCall().Caller);
        return store.MutateAsync(context.GetCall(), request,
            async unit =>
            {
                await JoinTokens.ForgetOldAsync(unit, context.CancellationToken);
                var made = joinTokens.Add(unit, request.NodeId, request.Role, ttl);
                if (request.ValidateOnly) made.Token = "";
                return made;
            },
            context.CancellationToken, remember: response => new() { ExpireTime = response.ExpireTime });
    }

    internal static Token Emit(Unit<IdentityDb> unit, Change change, TokenRow row)
    {
        var token = row.ToProto();
        unit.Emit("token", change, row.Name, row.Project, token);
        return token;
    }
}
