using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Servers;
using Monolith.Compute.V1;
using Monolith.Identity.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Logins;

/// <summary>Signs for who may log in, and tells who may and who did.</summary>
internal sealed class LoginService(Store<ComputeDb> store, ILoginAuthority authority, IHolders holders, ResourceFacts facts, TimeProvider time)
    : V1.LoginService.LoginServiceBase
{
    /// <summary>Of a server's certificates.</summary>
    const int Kept = 100;

    static readonly FilterFields<LoginCertificateRow> Filters = new FilterFields<LoginCertificateRow>()
        .Text("member", c => c.Member)
        .Text("fingerprint", c => c.Fingerprint)
        .Flag("as_root", c => c.AsRoot)
        .Time("create_time", c => c.CreateTime)
        .Time("expire_time", c => c.ExpireTime);

    sealed record Prepared(LoginCertificateRow Row, string Certificate);

    public override async Task<LoginCertificate> CreateLoginCertificate(CreateLoginCertificateRequest request, ServerCallContext context)
    {
        var (key, ttl) = LoginRules.Check(request);
        var call = context.GetCall();
        var asRoot = request.LoginCertificate.AsRoot;
        var project = ResourceName.ProjectOf(request.Parent)!;
        if (asRoot && !call.Caller.May(LoginPermissions.AsRoot, project)
            && await facts.GivingAsync(call.Caller, LoginPermissions.AsRoot, request.Parent) is { Count: 0 })
            throw Fault.Denied(LoginPermissions.AsRoot, "projects/" + project, call.Caller.Name);
        return await store.MutateAsync(call, request, async acts =>
        {
            var server = await store.ReadAsync(db => ServerQueries.ByName(db, request.Parent)) ?? throw Fault.NotFound(request.Parent);
            var row = Row(server, key, asRoot, ttl, call);
            // What is only tried must be of no use.
            return new Prepared(row, acts ? Sign(row, key) : "");
        }, async (unit, prepared) =>
        {
            var server = await ServerQueries.ByName(unit.Db, request.Parent);
            if (server is null || server.Uid != prepared.Row.ServerUid) throw Fault.NotFound(request.Parent);
            if (server.Deleting) throw Fault.Precondition("SERVER_DELETING", server.Name, $"{server.Name} is being deleted. Create a new server.");
            await ForgetOldestAsync(unit.Db, server.Uid);
            unit.Db.LoginCertificates.Add(prepared.Row);
            var made = prepared.Row.ToProto();
            unit.Emit("loginCertificate", Change.Created, prepared.Row.Name, project, made.Clone());
            if (prepared.Certificate.Length == 0) return made;
            made.Certificate = prepared.Certificate;
            made.KnownHosts = LoginRules.KnownHosts(made.HostKeyAlias, authority.HostKeys);
            return made;
        }, context.CancellationToken);
    }

    public override Task<ListLoginCertificatesResponse> ListLoginCertificates(ListLoginCertificatesRequest request, ServerCallContext context)
    {
        var list = ListQuery.Of(request, context.GetCall(), Filters, LoginRules.ServerPattern);
        return store.ReadAsync(async db =>
        {
            var server = await ServerQueries.ByName(db, request.Parent) ?? throw Fault.NotFound(request.Parent);
            var (rows, next) = list.Cut(await list.Of(db.LoginCertificates.Where(c => c.ServerUid == server.Uid)).ToListAsync());
            return new ListLoginCertificatesResponse { LoginCertificates = { rows.Select(r => r.ToProto()) }, NextPageToken = next };
        });
    }

    public override async Task<ListLoginsResponse> ListLogins(ListLoginsRequest request, ServerCallContext context)
    {
        var call = context.GetCall();
        var page = ListQuery.Of<LoginCertificateRow>(request, call, null, LoginRules.ServerPattern).Page;
        if (await store.ReadAsync(db => ServerQueries.ByName(db, request.Parent)) is null) throw Fault.NotFound(request.Parent);
        var roots = (await holders.OfAsync(LoginPermissions.AsRoot, request.Parent)).ToHashSet();
        // As root goes beyond a login, and is none by itself: somebody may have the two by different roles.
        var logins = await holders.OfAsync(LoginPermissions.Login, request.Parent);
        var members = logins.Select(h => h.Member).ToHashSet(StringComparer.Ordinal);
        // A tenant is not told who runs the cloud, but that somebody may.
        var knowsAll = call.Caller.Grants.Any(g => g.Scope.Length == 0);
        var all = logins.Union(roots.Where(r => members.Contains(r.Member)))
            .Select(h => new Login
            {
                Member = knowsAll || h.Scope.Length > 0 ? h.Member : "",
                Role = h.Role,
                Scope = h.Scope,
                AsRoot = roots.Contains(h),
            })
            .Distinct().OrderBy(Key, StringComparer.Ordinal).Where(l => string.CompareOrdinal(Key(l), page.After) > 0).Take(page.Size + 1).ToList();
        var (found, next) = page.Cut(all, Key);
        return new ListLoginsResponse { Logins = { found }, NextPageToken = next };
    }

    public override Task<LoginAuthority> GetLoginAuthority(GetLoginAuthorityRequest request, ServerCallContext context)
    {
        var (users, hosts) = (authority.UserKeys, authority.HostKeys);
        return Task.FromResult(new LoginAuthority
        {
            UserKey = string.Join('\n', users),
            KnownHosts = LoginRules.KnownHosts("*", hosts),
            UserKeyFingerprint = users[0].Fingerprint,
            HostKeyFingerprint = hosts[0].Fingerprint,
        });
    }

    static string Key(Login login) => $"{login.Member} {login.Role} {login.Scope}";

    LoginCertificateRow Row(ServerRow server, SshPublicKey key, bool asRoot, TimeSpan ttl, Call call)
    {
        var now = Stored.Time(time.GetUtcNow());
        var serial = LoginRules.Serial(now);
        return new()
        {
            Name = $"{server.Name}/loginCertificates/{serial}",
            // It is in no project: of one that is being deleted, servers run on, and are logged in to.
            ServerUid = server.Uid,
            Serial = serial,
            Member = call.Caller.Name,
            Credential = call.Caller.Credential,
            PublicKey = key.ToString(),
            Fingerprint = key.Fingerprint,
            KeyId = $"{call.Caller.Name} for {server.Name} trace {(call.TraceId.Length > 0 ? call.TraceId : "none")}",
            AsRoot = asRoot,
            CreateTime = now,
            UpdateTime = now,
            ExpireTime = now + ttl,
        };
    }

    string Sign(LoginCertificateRow row, SshPublicKey key) => authority.CertifyUser(
        new(key, (ulong)row.Serial, row.KeyId, row.Principals, row.CreateTime - LoginRules.Skew, row.ExpireTime));

    static async Task ForgetOldestAsync(ComputeDb db, Guid server) => db.LoginCertificates.RemoveRange(
        await db.LoginCertificates.Where(c => c.ServerUid == server).OrderByDescending(c => c.Serial).Skip(Kept - 1).ToListAsync());
}
