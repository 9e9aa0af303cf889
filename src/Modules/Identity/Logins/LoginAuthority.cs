using Monolith.Identity.Authority;
using Monolith.Identity.Contracts;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Logins;

/// <summary>Signs for users by one authority and for servers by another: what signs for users must not be able to pass for a server.</summary>
internal sealed class LoginAuthority(Authorities authorities) : ILoginAuthority
{
    public IReadOnlyList<SshPublicKey> UserKeys => KeysOf(Use.Logins);

    public long UserKeysRevision => authorities.Signing(Use.Logins).Revision;

    public IReadOnlyList<SshPublicKey> HostKeys => KeysOf(Use.Servers);

    public string CertifyUser(SshCertificateOrder order) => SshCertificate.Sign(order, isHost: false, authorities.Signing(Use.Logins).Key);

    public string CertifyHost(SshCertificateOrder order) => SshCertificate.Sign(order, isHost: true, authorities.Signing(Use.Servers).Key);

    IReadOnlyList<SshPublicKey> KeysOf(Use use) => [.. authorities.Of(use).Select(a => a.SshKey)];
}
