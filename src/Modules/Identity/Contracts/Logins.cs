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

/// <summary>How long what concerns logins lasts.</summary>
public static class LoginLifetimes
{
    /// <summary>Of a user's certificate, at most.</summary>
    public static readonly TimeSpan LongestOfUsers = TimeSpan.FromHours(1);

    /// <summary>Of a host key's certificate. Guests have them renewed at every boot and each day.</summary>
    public static readonly TimeSpan OfHosts = TimeSpan.FromDays(90);

    /// <summary>By then a guest that runs has asked whom to trust: they do each day.</summary>
    public static readonly TimeSpan GuestsAskWithin = TimeSpan.FromDays(2);
}

/// <summary>The cloud as an authority of OpenSSH certificates. There once Identity has started; keys change while it runs.</summary>
public interface ILoginAuthority
{
    /// <summary>What servers trust; the one that signs first.</summary>
    IReadOnlyList<SshPublicKey> UserKeys { get; }

    /// <summary>Of two answers about <see cref="UserKeys"/>, the later has the greater; microseconds of Unix time.</summary>
    long UserKeysRevision { get; }

    /// <summary>What users trust; the one that signs first.</summary>
    IReadOnlyList<SshPublicKey> HostKeys { get; }

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
