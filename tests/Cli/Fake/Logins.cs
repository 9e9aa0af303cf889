using System.Collections.Concurrent;
using Grpc.Core;
using Monolith.Compute.V1;
using Monolith.Network.V1;

namespace Monolith.Cli.Tests.Fake;

/// <summary>An authority that signs with words.</summary>
internal sealed class Logins : LoginService.LoginServiceBase
{
    public ConcurrentQueue<CreateLoginCertificateRequest> Asked { get; } = new();

    /// <summary>Refuses every certificate with this.</summary>
    public RpcException? Refusal { get; set; }

    public override Task<LoginCertificate> CreateLoginCertificate(CreateLoginCertificateRequest request, ServerCallContext context)
    {
        Asked.Enqueue(request);
        if (Refusal is not null)
            throw Refusal;
        var made = request.LoginCertificate.Clone();
        (made.Certificate, made.KnownHosts, made.HostKeyAlias) = ("signed", "@cert-authority uid key", "uid");
        made.LoginName = made.AsRoot ? "root" : "guest";
        return Task.FromResult(made);
    }

    public override Task<ListLoginsResponse> ListLogins(ListLoginsRequest request, ServerCallContext context) =>
        Task.FromResult(new ListLoginsResponse
        {
            Logins =
            {
                new Login { Member = "users/ann", AsRoot = true, Role = "roles/admin" },
                new Login { Member = "users/bob", Role = "roles/visitor", Scope = "projects/demo" },
            },
        });

    public override Task<ListLoginCertificatesResponse> ListLoginCertificates(
        ListLoginCertificatesRequest request, ServerCallContext context) => Task.FromResult(new ListLoginCertificatesResponse
        {
            LoginCertificates = { new LoginCertificate { Member = "users/bob", Fingerprint = "SHA256:abc", Serial = 77 } },
        });

    public override Task<LoginAuthority> GetLoginAuthority(GetLoginAuthorityRequest request, ServerCallContext context) =>
        Task.FromResult(new LoginAuthority { UserKey = "user-key", KnownHosts = "@cert-authority * host-key" });
}

internal sealed class FloatingAddresses : FloatingAddressService.FloatingAddressServiceBase
{
    public List<FloatingAddress> Known { get; } = [];

    public override Task<ListFloatingAddressesResponse> ListFloatingAddresses(
        ListFloatingAddressesRequest request, ServerCallContext context) =>
        Task.FromResult(new ListFloatingAddressesResponse { FloatingAddresses = { Known } });
}
