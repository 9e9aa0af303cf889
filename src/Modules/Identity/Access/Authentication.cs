using System.Security.Cryptography.X509Certificates;
using Monolith.Identity.Authority;
using Monolith.Identity.Contracts;
using Monolith.Identity.Tokens;
using Monolith.Platform.Calls;

namespace Monolith.Identity.Access;

internal sealed class Authentication(Registry registry, NodeCertificates certificates, TimeProvider time)
    : IAuthentication
{
    public Caller? Authenticate(string token, out string refusal)
    {
        var known = registry.Known;
        refusal = "TOKEN_UNKNOWN";
        if (!TokenSecret.IsWellFormed(token)
            || !known.Tokens.TryGetValue(TokenDigest.OfSecret(token), out var found)
            || !known.Users.TryGetValue(found.User, out var user))
            return null;
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
