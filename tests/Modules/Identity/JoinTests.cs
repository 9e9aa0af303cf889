using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Identity.Contracts;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using NodeService = Monolith.Identity.Nodes.NodeService;

namespace Monolith.Modules.Tests.Identity;

public class JoinTests
{
    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ANodeJoins_IsKnown_AndIsAnsweredAgainWithTheSameKey(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var token = await identity.Get<IJoinTokens>().CreateAsync("hv1", NodeKind.Hypervisor, default);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var first = await JoinAsync(identity, token, Csr(key));
        var again = await JoinAsync(identity, token, Csr(key));
        foreach (var answer in (JoinResponse[])[first, again])
        {
            Assert.Equal(("hv1", "hypervisor"), (answer.Node, answer.Role));
            var caller = identity.Authentication.AuthenticateNode(Certificate(answer.Certificate), out var refusal);
            Assert.Equal(("nodes/hv1", ""), (caller?.Name, refusal));
            Assert.True(caller!.May("agent.vms.sync", null));
        }
        Assert.Equal(token[^64..], Convert.ToHexStringLower(SHA256.HashData(first.CaCertificate.Span)));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task EachWrongToken_IsRefusedWithItsCause(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var tokens = identity.Get<IJoinTokens>();
        var used = await tokens.CreateAsync("hv1", NodeKind.Hypervisor, default);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await JoinAsync(identity, used, Csr(key));
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var fresh = await tokens.CreateAsync("hv2", NodeKind.Hypervisor, default);

        await RefusedAsync(used, "TOKEN_USED", StatusCode.PermissionDenied);
        await RefusedAsync(fresh.Replace("hv2", "hv3"), "TOKEN_OTHER_NODE", StatusCode.PermissionDenied);
        var parts = fresh.Split('.');
        await RefusedAsync($"mj1.hv2.{new string('A', 43)}.{parts[3]}", "TOKEN_UNKNOWN", StatusCode.PermissionDenied);
        await RefusedAsync($"mj1.hv2.{parts[2]}.{new string('0', 64)}", "TOKEN_UNKNOWN", StatusCode.PermissionDenied);
        await RefusedAsync("mj1.hv2", "TOKEN_MALFORMED", StatusCode.InvalidArgument);
        identity.Time.Advance(TimeSpan.FromMinutes(10));
        await RefusedAsync(fresh, "TOKEN_EXPIRED", StatusCode.PermissionDenied);

        async Task RefusedAsync(string token, string reason, StatusCode code)
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => JoinAsync(identity, token, Csr(other)));
            Assert.Equal((reason, code), (fault.Reason, fault.Code));
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task ACertificateRequest_ThatIsNone_IsInvalid(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var token = await identity.Get<IJoinTokens>().CreateAsync("hv1", NodeKind.Hypervisor, default);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var good = Csr(key);
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < 300; i++)
        {
            var bad = (byte[])good.Clone();
            bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            var cut = bad[..random.Next(bad.Length + 1)];
            var fault = await Record.ExceptionAsync(() => JoinAsync(identity, token, cut));
            Assert.Equal(StatusCode.InvalidArgument, Assert.IsType<Fault>(fault).Code);
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnExpiredCertificate_RenewsAndDoesNothingElse_AForgottenOneNothing(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        var token = await identity.Get<IJoinTokens>().CreateAsync("lb1", NodeKind.LoadBalancer, default);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var joined = Certificate((await JoinAsync(identity, token, Csr(key))).Certificate);
        identity.Time.Advance(TimeSpan.FromDays(400));

        var expired = identity.Authentication.AuthenticateNode(joined, out var refusal)!;
        Assert.Equal("CERTIFICATE_EXPIRED", refusal);
        Assert.False(expired.May("agent.loadBalancers.sync", null));
        Assert.True(expired.May("agent.certificates.renew", null));

        var renewed = await identity.Get<NodeService>().RenewCertificate(
            new RenewCertificateRequest { CertificateRequest = ByteString.CopyFrom(Csr(key)) }, identity.As(expired));
        var caller = identity.Authentication.AuthenticateNode(Certificate(renewed.Certificate), out refusal)!;
        Assert.Equal("", refusal);
        Assert.True(caller.May("agent.loadBalancers.sync", null));

        await identity.Get<INodes>().ForgetAsync("lb1", default);
        Assert.Null(identity.Authentication.AuthenticateNode(Certificate(renewed.Certificate), out refusal));
        Assert.Equal("NODE_UNKNOWN", refusal);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AForgottenNode_CannotComeBackWithATokenThatWasMadeBefore(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var used = await identity.Get<IJoinTokens>().CreateAsync("hv1", NodeKind.Hypervisor, default);
        await JoinAsync(identity, used, Csr(key));
        var unused = await identity.Get<IJoinTokens>().CreateAsync("hv1", NodeKind.Hypervisor, default);
        var other = await identity.Get<IJoinTokens>().CreateAsync("hv2", NodeKind.Hypervisor, default);
        await identity.Get<INodes>().ForgetAsync("hv1", default);

        foreach (var (token, reason) in new[] { (used, "TOKEN_USED"), (unused, "TOKEN_EXPIRED") })
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => JoinAsync(identity, token, Csr(key)));
            Assert.Equal((StatusCode.PermissionDenied, reason), (fault.Code, fault.Reason));
        }
        await JoinAsync(identity, other, Csr(key));
        await JoinAsync(identity, await identity.Get<IJoinTokens>().CreateAsync("hv1", NodeKind.Hypervisor, default),
            Csr(key));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnotherAuthoritysCertificate_IsUnknown(string provider)
    {
        await using var identity = await IdentityFixture.StartAsync(provider);
        await using var stranger = await IdentityFixture.StartAsync(provider);
        var token = await stranger.Get<IJoinTokens>().CreateAsync("hv1", NodeKind.Hypervisor, default);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var answer = await JoinAsync(stranger, token, Csr(key));
        Assert.Null(identity.Authentication.AuthenticateNode(Certificate(answer.Certificate), out var refusal));
        Assert.Equal("CERTIFICATE_UNKNOWN", refusal);
    }

    static Task<JoinResponse> JoinAsync(IdentityFixture identity, string token, byte[] csr) =>
        identity.Get<NodeService>().Join(
            new JoinRequest { Token = token, CertificateRequest = ByteString.CopyFrom(csr) },
            identity.As(Caller.Anonymous));

    static byte[] Csr(ECDsa key) =>
        new CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256).CreateSigningRequest();

    static X509Certificate2 Certificate(ByteString der) => X509CertificateLoader.LoadCertificate(der.Span);
}
