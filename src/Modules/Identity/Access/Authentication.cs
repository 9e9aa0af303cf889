using System.Security.Cryptography.X509Certificates;
using Monolith.Identity.AccessTokens;
using Monolith.Identity.Authority;
using Monolith.Identity.Contracts;
using Monolith.Identity.Tokens;
using Monolith.Platform.Calls;

namespace Monolith.Identity.Access;

internal sealed class Authentication(Registry registry, NodeCertificates certificates, SignedTokens signedTokens, TimeProvider time)
    : IAuthentication
{
    public Caller? Authenticate(string token, out string refusal)
    {
        if (!SignedTokens.IsOne(token))
            return Of(TokenSecret.IsWellFormed(token) ? registry.Known.Tokens.GetValueOrDefault(TokenDigest.OfSecret(token)) : null, out refusal);
        if (signedTokens.Read(token, out refusal) is not { } read) return null;
        // What is lent for a while makes nothing that lasts: it is limited, whatever it is of.
        return Of(registry.Known.TokenOf(read.Of), out refusal) is { } caller ? caller with { Credential = read.Name, IsLimited = true, IsLent = true } : null;
    }

    Caller? Of(KnownToken? found, out string refusal)
    {
        refusal = "TOKEN_UNKNOWN";
        if (found is null || !registry.Known.Users.TryGetValue(found.User, out var user)) return null;
        if (found.Expires <= time.GetUtcNow().UtcDateTime)
        {
            refusal = "TOKEN_EXPIRED";
            return null;
        }
        if (user.Disabled)
        {
            refusal = "USER_DISABLED";
            return null;
        }
        refusal = "";
        return (found.Limits?.Of(user.Caller) ?? user.Caller) with { Credential = found.Name };
    }

    public Caller? AuthenticateNode(X509Certificate2 certificate, out string refusal)
    {
        refusal = "CERTIFICATE_UNKNOWN";
        if (certificates.Read(certificate) is not { } shown) return null;
        if (!registry.Known.Nodes.TryGetValue(shown.Name, out var node) || node.Uid != shown.Uid
            || node.Role != shown.Role)
        {
            refusal = "NODE_UNKNOWN";
            return null;
        }
        if (time.GetUtcNow() > shown.NotAfter)
        {
            refusal = "CERTIFICATE_EXPIRED";
            return new Caller(shown.Name, [Roles.Grant("roles/expired-node", "")]) { Credential = CredentialOf(certificate) };
        }
        refusal = "";
        return node.Caller with { Credential = CredentialOf(certificate) };
    }

    static string CredentialOf(X509Certificate2 certificate) => "certificates/" + certificate.SerialNumber.ToLowerInvariant();
}
