using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Identity.Access;
using Monolith.Identity.V1;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Secrets;
using Monolith.Platform.Storage;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Authority;

/// <summary>
/// How one authority takes the place of another. Each step is a change of rows; what follows from it, every host and every node
/// finds by looking.
/// <code>
///   create ──▶ NEXT       hosts believe it; nodes and guests learn of it as they ask
///   activate ─▶ SIGNING   the one before is FORMER; nodes that show its certificates are told to renew them
///   delete ───▶           nobody shows anything of it
/// </code>
/// </summary>
internal sealed class AuthorityService(Store<IdentityDb> store, Registry registry, Authorities authorities, AuthorityFile file, ISecrets secrets)
    : CertificateAuthorityService.CertificateAuthorityServiceBase
{
    static readonly FilterFields<AuthorityRow> Filters = new FilterFields<AuthorityRow>()
        .Text("name", a => a.Name)
        .Word("use", a => a.Use)
        .Word("state", a => a.State)
        .Time("create_time", a => a.CreateTime);

    public override async Task<CertificateAuthority> CreateCertificateAuthority(CreateCertificateAuthorityRequest request, ServerCallContext context)
    {
        var use = AuthorityRules.Check(request);
        Lent.Refuse(context.GetCall().Caller);
        return await ChangeAsync(request, context, async unit =>
        {
            var others = await unit.Db.Authorities.Where(a => a.Use == use).ToListAsync();
            AuthorityRules.CheckCreation(use, others);
            var row = Authorities.Make(use, others.Max(a => a.Number) + 1, State.Next, secrets, unit.Now);
            unit.Db.Authorities.Add(row);
            Stir(unit, others.Single(a => a.State == State.Signing));
            return Emit(unit, Change.Created, row, secrets, await PendingAsync(unit.Db, row));
        });
    }

    public override Task<CertificateAuthority> GetCertificateAuthority(GetCertificateAuthorityRequest request, ServerCallContext context)
    {
        ResourceName.Parse(AuthorityRules.Pattern, request.Name);
        return store.ReadAsync(async db => await ShownAsync(db, await FindAsync(db, request.Name)));
    }

    public override async Task<ListCertificateAuthoritiesResponse> ListCertificateAuthorities(ListCertificateAuthoritiesRequest request,
        ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters);
        return await store.ReadAsync(async db =>
        {
            var (rows, next) = list.Cut(await list.Of(db.Authorities).ToListAsync());
            var answer = new ListCertificateAuthoritiesResponse { NextPageToken = next };
            foreach (var row in rows) answer.CertificateAuthorities.Add(await ShownAsync(db, row));
            return answer;
        });
    }

    public override async Task<CertificateAuthority> ActivateCertificateAuthority(ActivateCertificateAuthorityRequest request, ServerCallContext context)
    {
        ResourceName.Parse(AuthorityRules.Pattern, request.Name);
        Lent.Refuse(context.GetCall().Caller);
        return await ChangeAsync(request, context, async unit =>
        {
            var row = await FindAsync(unit.Db, request.Name);
            if (row.State == State.Signing) return await ShownAsync(unit.Db, row);
            AuthorityRules.CheckActivation(row, await PendingAsync(unit.Db, row), unit.Now, request.Force);
            var before = await unit.Db.Authorities.FirstAsync(a => a.Use == row.Use && a.State == State.Signing);
            before.Touch("", unit.Now);
            (before.State, before.RetireTime) = (State.Former, unit.Now);
            Emit(unit, Change.Updated, before, secrets, await PendingAsync(unit.Db, before));
            // Never two that sign, not even within the transaction.
            await unit.Db.SaveChangesAsync();
            row.Touch(request.Etag, unit.Now);
            (row.State, row.SignTime) = (State.Signing, unit.Now);
            return Emit(unit, Change.Updated, row, secrets);
        });
    }

    public override Task<Empty> DeleteCertificateAuthority(DeleteCertificateAuthorityRequest request, ServerCallContext context)
    {
        ResourceName.Parse(AuthorityRules.Pattern, request.Name);
        Lent.Refuse(context.GetCall().Caller);
        return ChangeAsync(request, context, async unit =>
        {
            var row = await FindAsync(unit.Db, request.Name);
            row.Touch(request.Etag, unit.Now);
            AuthorityRules.CheckDeletion(row, await PendingAsync(unit.Db, row), unit.Now, request.Force);
            unit.Db.Authorities.Remove(row);
            Stir(unit, await unit.Db.Authorities.FirstAsync(a => a.Use == row.Use && a.State == State.Signing));
            Emit(unit, Change.Deleted, row, secrets);
            return new Empty();
        });
    }

    /// <summary>What is trusted has changed: who was told later is to know that.</summary>
    void Stir(Unit<IdentityDb> unit, AuthorityRow signing)
    {
        signing.Touch("", unit.Now);
        Emit(unit, Change.Updated, signing, secrets);
    }

    internal static CertificateAuthority Emit(Unit<IdentityDb> unit, Change change, AuthorityRow row, ISecrets secrets, IReadOnlyList<string>? pending = null)
    {
        var made = row.ToProto(Authorities.Open(row, secrets).Public, pending ?? []);
        unit.Emit("certificateAuthority", change, row.Name, "", made);
        return made;
    }

    async Task<T> ChangeAsync<T>(IMessage request, ServerCallContext context, Func<Unit<IdentityDb>, Task<T>> work)
        where T : class, IMessage<T>, new()
    {
        var answer = await store.MutateAsync(context.GetCall(), request, work, context.CancellationToken);
        await registry.CaughtUpAsync();
        await file.WriteAsync(context.CancellationToken);
        return answer;
    }

    async Task<CertificateAuthority> ShownAsync(IdentityDb db, AuthorityRow row) => row.ToProto(Opened(row).Public, await PendingAsync(db, row));

    /// <summary>One that was made just now, this process may not know yet.</summary>
    OpenAuthority Opened(AuthorityRow row) => authorities.Find(row.Uid) ?? Authorities.Open(row, secrets);

    /// <summary>Nodes that its next step would cut off. Those that never said anything are among them: they may be of a version that
    /// does not.</summary>
    async Task<IReadOnlyList<string>> PendingAsync(IdentityDb db, AuthorityRow row)
    {
        if (row.Use != Use.Nodes || row.State == State.Signing) return [];
        var (digest, isNext) = (Opened(row).Digest, row.State == State.Next);
        return await db.Nodes.Where(n => isNext ? n.NewestTrusted != digest : n.CertifiedBy == digest || n.CertifiedBy == "")
            .OrderBy(n => n.Name).Select(n => n.Name).ToListAsync();
    }

    static async Task<AuthorityRow> FindAsync(IdentityDb db, string name) =>
        await db.Authorities.FirstOrDefaultAsync(a => a.Name == name) ?? throw Fault.NotFound(name);
}
