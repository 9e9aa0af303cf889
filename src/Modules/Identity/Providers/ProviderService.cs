using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.Tokens;
using Monolith.Identity.Users;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Providers;

internal sealed class ProviderService(Store<IdentityDb> store, Registry registry, ProviderKeys keys, TimeProvider time)
    : IdentityProviderService.IdentityProviderServiceBase
{
    static readonly FilterFields<ProviderRow> Filters = new FilterFields<ProviderRow>()
        .Text("name", p => p.Name)
        .Text("display_name", p => p.DisplayName)
        .Text("issuer", p => p.Issuer)
        .Flag("disabled", p => p.Disabled);

    public override Task<IdentityProvider> CreateIdentityProvider(CreateIdentityProviderRequest request, ServerCallContext context)
    {
        ProviderRules.Check(request);
        ProviderRules.CheckMayVouch(context.GetCall().Caller);
        return store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var name = "identityProviders/" + request.IdentityProviderId;
            if (await unit.Db.IdentityProviders.AnyAsync(p => p.Name == name)) throw Fault.AlreadyExists(name);
            if (await unit.Db.IdentityProviders.CountAsync() >= ProviderRules.Most)
                throw Fault.Exhausted("TOO_MANY_PROVIDERS", $"There are {ProviderRules.Most} identity providers, which is all that there can be.");
            var row = new ProviderRow
            {
                Name = name,
                Issuer = request.IdentityProvider.Issuer,
                CreateTime = unit.Now,
                UpdateTime = unit.Now,
            };
            row.Set(request.IdentityProvider, _ => true);
            unit.Db.IdentityProviders.Add(row);
            return Emit(unit, Change.Created, row);
        }, context.CancellationToken);
    }

    public override Task<IdentityProvider> GetIdentityProvider(GetIdentityProviderRequest request, ServerCallContext context)
    {
        ResourceName.Parse("identityProviders/*", request.Name);
        return store.ReadAsync(async db => (await FindAsync(db, request.Name)).ToProto());
    }

    public override async Task<ListIdentityProvidersResponse> ListIdentityProviders(ListIdentityProvidersRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        var found = await store.ReadAsync(db => list.Of(db.IdentityProviders).ToListAsync());
        var (rows, next) = list.Cut(found);
        return new() { IdentityProviders = { rows.Select(p => p.ToProto()) }, NextPageToken = next };
    }

    public override async Task<IdentityProvider> UpdateIdentityProvider(UpdateIdentityProviderRequest request, ServerCallContext context)
    {
        var changed = ProviderRules.Check(request);
        ProviderRules.CheckMayVouch(context.GetCall().Caller);
        var updated = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await FindAsync(unit.Db, request.IdentityProvider.Name);
            row.Touch(request.IdentityProvider.Etag, unit.Now);
            var before = row.GroupMap.Values.ToList();
            row.Set(request.IdentityProvider, changed.Contains);
            // What it no longer says of groups, it never said.
            var gone = before.Except(row.GroupMap.Values).ToList();
            if (gone.Count > 0)
                await GroupMembership.LeaveAsync(unit, await unit.Db.Users.Where(u => u.IdentityProvider == row.Name).Select(u => u.Name).ToListAsync(), gone);
            return Emit(unit, Change.Updated, row);
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return updated;
    }

    public override async Task<Empty> DeleteIdentityProvider(DeleteIdentityProviderRequest request, ServerCallContext context)
    {
        ResourceName.Parse("identityProviders/*", request.Name);
        var answer = await store.MutateAsync(context.GetCall(), request, async unit =>
        {
            var row = await FindAsync(unit.Db, request.Name);
            row.Touch(request.Etag, unit.Now);
            foreach (var user in await unit.Db.Users.Where(u => u.IdentityProvider == row.Name).ToListAsync())
            {
                user.Touch("", unit.Now);
                await Links.CutAsync(unit, user);
                Users.UserService.Emit(unit, Change.Updated, user);
            }
            unit.Db.IdentityProviders.Remove(row);
            Emit(unit, Change.Deleted, row);
            return new Empty();
        }, context.CancellationToken);
        await registry.CaughtUpAsync();
        return answer;
    }

    public override async Task<ListSignInProvidersResponse> ListSignInProviders(ListSignInProvidersRequest request, ServerCallContext context)
    {
        var found = await store.ReadAsync(db => db.IdentityProviders.Where(p => !p.Disabled).OrderBy(p => p.Name).ToListAsync());
        return new() { Providers = { found.Select(p => p.ToSignIn()) } };
    }

    public override async Task<ExchangeIdTokenResponse> ExchangeIdToken(ExchangeIdTokenRequest request, ServerCallContext context)
    {
        ProviderRules.Check(request);
        var call = context.GetCall();
        var made = await store.MutateAsync(call, request, async _ =>
        {
            var provider = await store.ReadAsync(db => FindAsync(db, request.Name));
            if (provider.Disabled) throw SignInRules.ProviderDisabled(provider);
            var proved = await IdTokens.ProveAsync(request, provider, keys, time.GetUtcNow(), context.CancellationToken);
            call.Origin?.Proved = $"{provider.Name}/subjects/{proved.Subject}";
            SignInRules.CheckRequired(provider, proved);
            return proved;
        }, (unit, proved) => SignIns.ExchangeAsync(unit, request, proved), context.CancellationToken,
            remember: response => new() { Token = response.Token });
        await registry.CaughtUpAsync();
        return made;
    }

    internal static async Task<ProviderRow> FindAsync(IdentityDb db, string name) =>
        await db.IdentityProviders.FirstOrDefaultAsync(p => p.Name == name) ?? throw Fault.NotFound(name);

    static IdentityProvider Emit(Unit<IdentityDb> unit, Change change, ProviderRow row)
    {
        var provider = row.ToProto();
        unit.Emit("identityProvider", change, row.Name, "", provider);
        return provider;
    }
}
