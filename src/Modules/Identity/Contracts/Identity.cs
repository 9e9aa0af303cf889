using System.Security.Cryptography.X509Certificates;
using Monolith.Platform.Calls;

namespace Monolith.Identity.Contracts;

/// <summary>Who is calling. Served from memory; honours a revocation at once in this process.</summary>
public interface IAuthentication
{
    /// <summary>The caller behind a bearer token, with its grants; null when it is refused.</summary>
    /// <param name="refusal">Why: <c>TOKEN_UNKNOWN</c> (revoked ones included), <c>TOKEN_EXPIRED</c> or
    /// <c>USER_DISABLED</c>; empty when it is not refused.</param>
    Caller? Authenticate(string token, out string refusal);

    /// <summary>The agent behind a client certificate that is proved to be the peer's; null when it is refused.</summary>
    /// <param name="refusal">Why: <c>CERTIFICATE_UNKNOWN</c> (not one of this cloud's), <c>NODE_UNKNOWN</c> (forgotten,
    /// or joined anew since) or <c>CERTIFICATE_EXPIRED</c>. The last comes with a caller that may renew its certificate
    /// and nothing else: a fleet that was off for long recovers by itself.</param>
    Caller? AuthenticateNode(X509Certificate2 certificate, out string refusal);

    /// <inheritdoc cref="Authenticate(string, out string)"/>
    Caller? Authenticate(string token) => Authenticate(token, out _);

    /// <inheritdoc cref="AuthenticateNode(X509Certificate2, out string)"/>
    Caller? AuthenticateNode(X509Certificate2 certificate) => AuthenticateNode(certificate, out _);
}

/// <summary>Which projects exist.</summary>
public interface IProjects
{
    /// <summary>Served from memory. True of one that is deleted and waits for its purge, with all that is in it; false while
    /// an empty one is removed.</summary>
    bool Exists(string project);
}

/// <summary>The cloud's certificate authorities for nodes, as the host's transports need them. There once the modules have
/// started; they change while it runs.</summary>
public interface IHostCertificates
{
    /// <summary>Certificates of all that are trusted, the one that signs first.</summary>
    IReadOnlyList<X509Certificate2> Trusted { get; }

    /// <summary>Whose certificate a client is to be shown.</summary>
    /// <param name="serverName">By which it asks (<c>AuthorityName</c>); any other, and none, is for the one that signs.</param>
    X509Certificate2 AuthorityFor(string? serverName);

    /// <summary>A certificate for a server of this host, issued now, valid for 90 days, with its key.</summary>
    /// <param name="authority">One of <see cref="Trusted"/>.</param>
    /// <param name="names">Host names and IP addresses.</param>
    /// <exception cref="InvalidOperationException">It is trusted no more.</exception>
    X509Certificate2 IssueServerCertificate(X509Certificate2 authority, IEnumerable<string> names);

    /// <summary>A signature of the one that signs, ECDSA with SHA-256 in DER, for nodes, which know its certificate.</summary>
    /// <param name="data">Says in itself what it is, and is never what a certificate could be.</param>
    byte[] Sign(byte[] data);
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

/// <summary>The machines that joined.</summary>
public interface INodes
{
    /// <summary>Refuses the node's certificates and its unused join tokens from now on, for whoever removes the node from
    /// the fleet. Nothing happens when there is no such node.</summary>
    Task ForgetAsync(string node, CancellationToken cancel);
}
