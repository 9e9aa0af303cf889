using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Compute.V1;
using Monolith.Events.V1;
using Monolith.Host.Tests.Cloud;
using Monolith.Identity.V1;

namespace Monolith.Host.Tests.Servers;

/// <summary>Who may log in to a server, and who did.</summary>
public sealed class LoginTests(RunningHost host)
{
    const string Server = "projects/own/servers/s1", AsRoot = "compute.servers.loginAsRoot";

    readonly LoginService.LoginServiceClient logins = new(host.Invoker);

    async Task<Server> ServerAsync() =>
        await new ServerService.ServerServiceClient(host.Invoker).GetServerAsync(new() { Name = Server }, host.Headers());

    CreateLoginCertificateRequest Request(bool asRoot = false, Duration? ttl = null) => new()
    {
        Parent = Server,
        LoginCertificate = new() { PublicKey = Tenant.PublicKey, AsRoot = asRoot, Ttl = ttl },
    };

    async Task<(StatusCode Code, string Missing)> RefusedAsync(CreateLoginCertificateRequest request, string token)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => logins.CreateLoginCertificateAsync(request, host.Headers(token)).ResponseAsync);
        return (e.StatusCode, e.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Metadata.GetValueOrDefault("permission", ""));
    }

    [Fact]
    public async Task AMember_GetsACertificate_ForThisServerAlone_AndIsSeenToHave()
    {
        var token = await host.UserAsync("logs-in", ("roles/member", "projects/own"));
        var uid = (await ServerAsync()).Uid;
        var made = await logins.CreateLoginCertificateAsync(Request(), host.Headers(token));
        Assert.StartsWith("ssh-ed25519-cert-v01@openssh.com ", made.Certificate, StringComparison.Ordinal);
        Assert.Equal([uid + ":login"], made.Principals);
        Assert.Equal(("users/logs-in", "guest", uid), (made.Member, made.LoginName, made.HostKeyAlias));
        Assert.Equal(TimeSpan.FromMinutes(5), made.ExpireTime.ToDateTime() - made.CreateTime.ToDateTime());
        Assert.StartsWith($"users/logs-in for {Server} trace ", made.KeyId, StringComparison.Ordinal);
        var authority = await logins.GetLoginAuthorityAsync(new(), host.Headers(host.NobodysToken));
        Assert.Equal(authority.KnownHosts.Replace("@cert-authority * ", $"@cert-authority {uid} ", StringComparison.Ordinal), made.KnownHosts);
        Assert.NotEqual(authority.UserKeyFingerprint, authority.HostKeyFingerprint);

        var root = await logins.CreateLoginCertificateAsync(Request(asRoot: true, Duration.FromTimeSpan(TimeSpan.FromHours(1))), host.Headers(token));
        Assert.Equal([uid + ":login", uid + ":root"], root.Principals);
        Assert.Equal("root", root.LoginName);

        var did = (await logins.ListLoginCertificatesAsync(
            new() { Parent = Server, Filter = "member = \"users/logs-in\"" }, host.Headers())).LoginCertificates;
        Assert.Equal([made.Serial, root.Serial], did.Select(c => c.Serial));
        Assert.All(did, c => Assert.Equal("", c.Certificate));
        var entries = new AuditService.AuditServiceClient(host.Invoker);
        await RunningHost.UntilAsync(async () => (await entries.ListAuditEntriesAsync(new()
        {
            Filter = $"caller = \"users/logs-in\" AND resource = \"{made.Name}\"",
        }, host.Headers())).Entries.Any(e => e.EventType == "monolith.compute.loginCertificate.created"), "the audit log has it");
    }

    [Fact]
    public async Task WhoLooksOn_DoesNotLogIn()
    {
        var reader = await host.UserAsync("login-reader", ("roles/reader", "projects/own"));
        Assert.Equal((StatusCode.PermissionDenied, "compute.servers.login"), await RefusedAsync(Request(), reader));
        var operators = await host.UserAsync("login-operator", ("roles/operator", ""));
        Assert.Equal((StatusCode.PermissionDenied, "compute.servers.login"), await RefusedAsync(Request(), operators));
    }

    [Fact]
    public async Task WhoMayNotBeRoot_MayLogIn_AndALimitedTokenIsNoMoreThanItIs()
    {
        await new RoleService.RoleServiceClient(host.Invoker).CreateRoleAsync(new()
        {
            RoleId = "visitor",
            Role = new() { Permissions = { "compute.servers.login" } },
        }, host.Headers());
        var visitor = await host.UserAsync("login-visitor", ("roles/visitor", "projects/own"));
        Assert.NotEmpty((await logins.CreateLoginCertificateAsync(Request(), host.Headers(visitor))).Certificate);
        Assert.Equal((StatusCode.PermissionDenied, AsRoot), await RefusedAsync(Request(asRoot: true), visitor));

        await host.UserAsync("login-limited", ("roles/member", "projects/own"));
        var limited = (await new TokenService.TokenServiceClient(host.Invoker).CreateTokenAsync(new()
        {
            Parent = "users/login-limited",
            Token = new() { Permissions = { "compute.servers.login" }, Scope = "projects/own" },
        }, host.Headers())).Secret;
        Assert.NotEmpty((await logins.CreateLoginCertificateAsync(Request(), host.Headers(limited))).Certificate);
        Assert.Equal((StatusCode.PermissionDenied, AsRoot), await RefusedAsync(Request(asRoot: true), limited));

        var may = (await logins.ListLoginsAsync(new() { Parent = Server, PageSize = 1000 }, host.Headers())).Logins;
        Assert.Contains(may, l => l is { Member: "users/login-visitor", AsRoot: false, Role: "roles/visitor", Scope: "projects/own" });
        Assert.Contains(may, l => l is { Member: "users/login-limited", AsRoot: true, Role: "roles/member", Scope: "projects/own" });
        Assert.Contains(may, l => l is { Member: "users/admin", AsRoot: true, Role: "roles/admin", Scope: "" });
        Assert.DoesNotContain(may, l => l.Role is "roles/reader" or "roles/operator");
        // A tenant is not told who runs the cloud.
        var seen = (await logins.ListLoginsAsync(new() { Parent = Server, PageSize = 1000 }, host.Headers(host.OwnersToken))).Logins;
        Assert.Contains(seen, l => l is { Member: "", AsRoot: true, Role: "roles/admin", Scope: "" });
        Assert.DoesNotContain(seen, l => l is { Scope: "", Member.Length: > 0 });
        Assert.Contains(seen, l => l.Member == "users/login-visitor");
        var paged = new List<Login>();
        var request = new ListLoginsRequest { Parent = Server, PageSize = 1 };
        do
        {
            var page = await logins.ListLoginsAsync(request, host.Headers());
            paged.AddRange(page.Logins);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.All(may, l => Assert.Contains(l, paged));
    }

    /// <summary>What is only tried would be a way in of which nobody knows.</summary>
    [Fact]
    public async Task WhatIsOnlyTried_IsNoCertificate_AndARepeatIsTheSame()
    {
        var token = await host.UserAsync("login-tries", ("roles/member", "projects/own"));
        var tried = Request();
        tried.ValidateOnly = true;
        var foretold = await logins.CreateLoginCertificateAsync(tried, host.Headers(token));
        Assert.Equal(("", ""), (foretold.Certificate, foretold.KnownHosts));
        var asked = Request();
        asked.RequestId = Guid.NewGuid().ToString();
        var made = await logins.CreateLoginCertificateAsync(asked, host.Headers(token));
        Assert.Equal(made, await logins.CreateLoginCertificateAsync(asked, host.Headers(token)));
        Assert.Equal(made.Serial, Assert.Single((await logins.ListLoginCertificatesAsync(
            new() { Parent = Server, Filter = "member = \"users/login-tries\"" }, host.Headers())).LoginCertificates).Serial);
    }

    [Fact]
    public async Task EverythingThatIsWrong_IsSaid()
    {
        var request = Request(ttl: Duration.FromTimeSpan(TimeSpan.FromHours(2)));
        request.LoginCertificate.PublicKey = Tenant.PublicKey + "AAAA";
        var e = await Assert.ThrowsAsync<RpcException>(() => logins.CreateLoginCertificateAsync(request, host.Headers()).ResponseAsync);
        Assert.Equal(["login_certificate.public_key", "login_certificate.ttl"],
            e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Select(v => v.Field));
        request = Request();
        request.Parent = "projects/own/servers/none";
        Assert.Equal(StatusCode.NotFound, (await RefusedAsync(request, host.Token)).Code);
    }

    /// <summary>A hypervisor that lies can pass for its own guests, and for nobody else's.</summary>
    [Fact]
    public async Task AHypervisor_CertifiesNoHostKey_OfAServerElsewhere()
    {
        using var channel = await host.JoinedAsync("login-hv", NodeRole.Hypervisor);
        var keys = new HostKeyService.HostKeyServiceClient(channel);
        var e = await Assert.ThrowsAsync<RpcException>(async () => await keys.CertifyHostKeysAsync(
            new() { InstanceId = (await ServerAsync()).Uid, PublicKeys = { Tenant.PublicKey } }));
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
        e = await Assert.ThrowsAsync<RpcException>(async () => await keys.CertifyHostKeysAsync(new() { InstanceId = "x" }));
        Assert.Equal(["instance_id", "public_keys"], e.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations.Select(v => v.Field));
        e = await Assert.ThrowsAsync<RpcException>(async () => await new HostKeyService.HostKeyServiceClient(host.Invoker)
            .CertifyHostKeysAsync(new() { InstanceId = "x" }, host.Headers()));
        Assert.Equal(StatusCode.PermissionDenied, e.StatusCode);
    }
}
