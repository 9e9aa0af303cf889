using Monolith.Platform.Calls;

namespace Monolith.Identity.Contracts;

/// <summary>Who is calling.</summary>
public interface IAuthentication
{
    /// <summary>The caller behind a bearer token, with its grants; null when the token is unknown, expired or revoked,
    /// or its user is disabled. Served from memory; honours a revocation at once in this process.</summary>
    Caller? Authenticate(string token);

    /// <summary>The agent behind a verified client certificate; null when the certificate is not one of ours, or the
    /// node was forgotten.</summary>
    Caller? AuthenticateNode(System.Security.Cryptography.X509Certificates.X509Certificate2 certificate);
}

/// <summary>Which projects exist.</summary>
public interface IProjects
{
    /// <summary>Served from memory.</summary>
    bool Exists(string project);
}

/// <summary>The cloud's certificate authority, as the host's transports need it.</summary>
public interface IHostCertificates
{
    /// <summary>The CA's certificate.</summary>
    System.Security.Cryptography.X509Certificates.X509Certificate2 Authority { get; }

    /// <summary>A certificate for a server of this host, issued now, with its key and chain.</summary>
    System.Security.Cryptography.X509Certificates.X509Certificate2 IssueServerCertificate(IEnumerable<string> names);
}

/// <summary>What a node is for.</summary>
public enum NodeKind
{
    Hypervisor,
    LoadBalancer,
}

/// <summary>Join tokens for nodes that the host itself starts (the emulated fleet).</summary>
public interface IJoinTokens
{
    /// <summary>A one-use token, valid for ten minutes.</summary>
    Task<string> CreateAsync(string node, NodeKind kind, CancellationToken cancel);
}
