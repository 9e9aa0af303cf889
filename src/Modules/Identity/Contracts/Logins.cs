namespace Monolith.Identity.Contracts;

/// <summary>What lets people log in to servers.</summary>
public static class LoginPermissions
{
    public const string Login = "compute.servers.login";

    /// <summary>On top of <see cref="Login"/>. No method asks for it by itself.</summary>
    public const string AsRoot = "compute.servers.loginAsRoot";
}

/// <summary>What is to be signed. Immutable.</summary>
/// <param name="Serial">Of this certificate alone.</param>
/// <param name="KeyId">What the SSH server writes to its log.</param>
/// <param name="Principals">Whom or what it stands for; one at least, since a certificate without any stands for all.</param>
/// <param name="NotBefore">UTC.</param>
/// <param name="NotAfter">UTC.</param>
public sealed record SshCertificateOrder(SshPublicKey Key, ulong Serial, string KeyId, IReadOnlyList<string> Principals,
    DateTime NotBefore, DateTime NotAfter);

/// <summary>The cloud as an authority of OpenSSH certificates. There once Identity has started.</summary>
public interface ILoginAuthority
{
    /// <summary>What servers trust.</summary>
    SshPublicKey UserKey { get; }

    /// <summary>What users trust.</summary>
    SshPublicKey HostKey { get; }

    /// <summary>A certificate for who logs in: type and base64.</summary>
    string CertifyUser(SshCertificateOrder order);

    /// <summary>A certificate for what is logged in to: type and base64.</summary>
    string CertifyHost(SshCertificateOrder order);
}

/// <summary>Somebody has a permission.</summary>
/// <param name="Member"><c>users/{user}</c></param>
/// <param name="Role">By which it is given.</param>
/// <param name="Scope">Where that is bound: <c>projects/{project}</c>, its domain, the resource; empty: the cloud.</param>
public sealed record Holder(string Member, string Role, string Scope);

/// <summary>Who may do what. Served from memory.</summary>
public interface IHolders
{
    /// <summary>Who has the permission on a resource of a project, but for those who are disabled; whoever has it by several roles
    /// is there with each. In the order of members, roles, scopes.</summary>
    /// <param name="resource"><c>projects/{project}/servers/{server}</c></param>
    Task<IReadOnlyList<Holder>> OfAsync(string permission, string resource);
}
