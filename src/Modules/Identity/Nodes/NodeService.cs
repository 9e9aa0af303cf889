using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Identity.Access;
using Monolith.Identity.Authority;
using Monolith.Identity.Contracts;
using Monolith.Identity.Tokens;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Nodes;

/// <summary>
/// How a machine becomes a node:
/// <code>
///   operator ── CreateJoinToken ──▶ token {node, secret, CA's digest}
///   machine ── Join {token, CSR} ──▶ unused, not expired, this node's?  ──▶ token used by this key · node row, new uid
///      ▲                             used by this very key?             ──▶ the same node, a certificate again
///      └── certificate {SAN monolith://nodes/NODE?role=ROLE&amp;uid=UID}, 90 days
///   node ── RenewCertificate {CSR}, shown the certificate, expired or not ──▶ the same node, a new certificate
///   node ── GetAuthorities {whom it trusts}, every ten minutes ──▶ whom to trust, and whether to renew
/// </code>
/// </summary>
internal sealed class NodeService(Store<IdentityDb> store, Registry registry, NodeAuthority authority,
    NodeCertificates certificates) : Agent.V1.NodeService.NodeServiceBase, INodes
{
    public override async Task<JoinResponse> Join(JoinRequest request, ServerCallContext context)
    {
        var token = NodeRules.Check(request, authority.Trusted.Select(a => a.Digest));
        var key = NodeKey.Read(request.CertificateRequest.Span, "certificate_request");
        var digest = TokenSecret.Digest(token.Secret);
        // Looked up before the writer is asked: guesses cost a read and hold up nobody.
        if (!await store.ReadAsync(db => db.JoinTokens.AnyAsync(t => t.Digest == digest)))
            throw NodeRules.Refused("TOKEN_UNKNOWN");
        var call = context.GetCall() with { Caller = new Caller("nodes/" + token.Node, []) };
        // The same throughout: another may sign in between.
        var by = authority.Signing;
        var row = await store.WriteAsync(call, unit => JoinAsync(unit, token, digest, key, by), context.CancellationToken);
        await registry.CaughtUpAsync();
        var certificate = certificates.Issue(by, key, row.Name, row.Uid, row.Role, row.CertificateExpireTime);
        return new JoinResponse
        {
            Certificate = ByteString.CopyFrom(certificate),
            CaCertificate = Der(by),
            OtherCaCertificates = { Others(by) },
            Node = token.Node,
            Role = NodeRoles.Word(row.Role),
            ExpireTime = row.CertificateExpireTime.ToTimestamp(),
        };
    }

    public override async Task<RenewCertificateResponse> RenewCertificate(RenewCertificateRequest request,
        ServerCallContext context)
    {
        var key = NodeKey.Read(request.CertificateRequest.Span, "certificate_request");
        var call = context.GetCall();
        var row = await store.WriteAsync(call, async unit =>
        {
            var node = await unit.Db.Nodes.FirstOrDefaultAsync(n => n.Name == call.Caller.Name)
                ?? throw NodeRules.Forgotten(call.Caller.Name);
            return Renew(unit, node);
        }, context.CancellationToken);
        var by = authority.Signing;
        var certificate = certificates.Issue(by, key, row.Name, row.Uid, row.Role, row.CertificateExpireTime);
        return new RenewCertificateResponse
        {
            Certificate = ByteString.CopyFrom(certificate),
            CaCertificate = Der(by),
            OtherCaCertificates = { Others(by) },
            ExpireTime = row.CertificateExpireTime.ToTimestamp(),
        };
    }

    public override async Task<GetAuthoritiesResponse> GetAuthorities(GetAuthoritiesRequest request, ServerCallContext context)
    {
        NodeRules.Check(request);
        var call = context.GetCall();
        var trusted = authority.Trusted;
        var certifiedBy = request.CertifiedBySha256;
        var newest = trusted.Where(a => request.TrustedSha256.Contains(a.Digest)).MaxBy(a => a.Number)?.Digest ?? "";
        // Thousands ask, and nearly all have nothing new to tell.
        if (registry.Known.Nodes.TryGetValue(call.Caller.Name, out var known) && (known.CertifiedBy, known.NewestTrusted) != (certifiedBy, newest))
            await store.WriteAsync(call, async unit =>
            {
                if (await unit.Db.Nodes.FirstOrDefaultAsync(n => n.Uid == known.Uid) is not { } node) return;
                node.Touch("", unit.Now);
                (node.CertifiedBy, node.NewestTrusted) = (certifiedBy, newest);
                Emit(unit, Change.Updated, node);
            }, context.CancellationToken);
        return new GetAuthoritiesResponse
        {
            CaCertificates = { trusted.Select(Der) },
            Renew = certifiedBy != authority.Signing.Digest,
        };
    }

    public async Task ForgetAsync(string node, CancellationToken cancel)
    {
        await store.WriteAsync(Call.Of("identity/nodes"), async unit =>
        {
            // Kept, so that a refusal can say why.
            await unit.Db.JoinTokens.Where(t => t.Node == node && t.UseTime == null && t.ExpireTime > unit.Now)
                .ExecuteUpdateAsync(t => t.SetProperty(x => x.ExpireTime, unit.Now), cancel);
            var name = "nodes/" + node;
            if (await unit.Db.Nodes.FirstOrDefaultAsync(n => n.Name == name) is not { } row) return;
            unit.Db.Nodes.Remove(row);
            Emit(unit, Change.Deleted, row);
        }, cancel);
        await registry.CaughtUpAsync();
    }

    IEnumerable<ByteString> Others(OpenAuthority than) => authority.Trusted.Where(a => a.Uid != than.Uid).Select(Der);

    static ByteString Der(OpenAuthority authority) => ByteString.CopyFrom(authority.Certificate!.RawData);

    static async Task<NodeRow> JoinAsync(Unit<IdentityDb> unit, JoinToken token, byte[] digest, NodeKey key,
        OpenAuthority by)
    {
        var row = await unit.Db.JoinTokens.FirstOrDefaultAsync(t => t.Digest == digest)
            ?? throw NodeRules.Refused("TOKEN_UNKNOWN");
        if (row.Node != token.Node) throw NodeRules.Refused("TOKEN_OTHER_NODE");
        if (row.UseTime is not null)
            return row.KeyDigest!.AsSpan().SequenceEqual(key.Digest)
                && await unit.Db.Nodes.FirstOrDefaultAsync(n => n.Uid == row.NodeUid) is { } joined
                ? Renew(unit, joined)
                : throw NodeRules.Refused("TOKEN_USED");
        if (row.ExpireTime <= unit.Now) throw NodeRules.Refused("TOKEN_EXPIRED");
        var name = "nodes/" + row.Node;
        if (await unit.Db.Nodes.FirstOrDefaultAsync(n => n.Name == name) is { } before)
        {
            unit.Db.Nodes.Remove(before);
            Emit(unit, Change.Deleted, before);
            await unit.Db.SaveChangesAsync();
        }
        var node = new NodeRow
        {
            Name = name,
            Role = row.Role,
            CertificateExpireTime = unit.Now + NodeCertificates.Lifetime,
            // It has no other. Whom else it trusts, it says itself: an older agent keeps the one alone.
            CertifiedBy = by.Digest,
            CreateTime = unit.Now,
            UpdateTime = unit.Now,
        };
        unit.Db.Nodes.Add(node);
        row.UseTime = unit.Now;
        row.KeyDigest = key.Digest;
        row.NodeUid = node.Uid;
        Emit(unit, Change.Created, node);
        return node;
    }

    static NodeRow Renew(Unit<IdentityDb> unit, NodeRow node)
    {
        node.Touch("", unit.Now);
        node.CertificateExpireTime = unit.Now + NodeCertificates.Lifetime;
        Emit(unit, Change.Updated, node);
        return node;
    }

    static void Emit(Unit<IdentityDb> unit, Change change, NodeRow row) =>
        unit.Emit("node", change, row.Name, row.Project, row.ToProto());
}
