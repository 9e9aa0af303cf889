using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Authority;
using Monolith.Identity.Contracts;
using Monolith.Identity.Tokens;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Nodes;

/// <summary>Makes join tokens.</summary>
internal sealed class JoinTokens(Store<IdentityDb> store, NodeAuthority authority) : IJoinTokens
{
    static readonly TimeSpan HostsOwn = TimeSpan.FromMinutes(10);

    /// <summary>Used and expired tokens stay for a while, so that a refusal can say which of the two it is.</summary>
    static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    public async Task<string> CreateAsync(string node, NodeKind kind, CancellationToken cancel)
    {
        var made = await store.WriteAsync(Call.Of("identity/joinTokens"),
            async unit =>
            {
                await ForgetOldAsync(unit, cancel);
                return Add(unit, node, NodeRoles.Of(kind), HostsOwn);
            }, cancel);
        return made.Token;
    }

    public CreateJoinTokenResponse Add(Unit<IdentityDb> unit, string node, NodeRole role, TimeSpan ttl)
    {
        var secret = TokenSecret.Random();
        var row = new JoinTokenRow
        {
            Node = node,
            Role = role,
            Digest = TokenSecret.Digest(secret),
            ExpireTime = unit.Now + ttl,
        };
        unit.Db.JoinTokens.Add(row);
        var made = new CreateJoinTokenResponse { ExpireTime = row.ExpireTime.ToTimestamp() };
        // The event has no secret; who made it for which node is in the log.
        unit.Emit("joinToken", Change.Created, $"nodes/{node}/joinTokens/{row.Id}", "", made);
        return new() { Token = new JoinToken(node, secret, authority.Signing.Digest).ToString(), ExpireTime = made.ExpireTime };
    }

    public static Task ForgetOldAsync(Unit<IdentityDb> unit, CancellationToken cancel)
    {
        var old = unit.Now - Kept;
        return unit.Db.JoinTokens.Where(t => t.ExpireTime < old).ExecuteDeleteAsync(cancel);
    }
}
