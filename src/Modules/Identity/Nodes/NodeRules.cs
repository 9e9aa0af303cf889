using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Platform.Faults;

namespace Monolith.Identity.Nodes;

internal static class NodeRules
{
    /// <exception cref="Fault">For a token that cannot be one of this cloud's.</exception>
    /// <param name="trusted">Digests of the authorities.</param>
    public static JoinToken Check(JoinRequest request, IEnumerable<string> trusted)
    {
        var token = JoinToken.Parse(request.Token) ?? throw new Fault(StatusCode.InvalidArgument, "TOKEN_MALFORMED",
            "This is not a join token. Copy the whole of what CreateJoinToken answered: it begins with 'mj1.'.")
        {
            Fields = [new("token", "must have the form mj1.{node}.{secret}.{sha256 of the CA certificate}")],
        };
        if (!trusted.Contains(token.AuthorityDigest))
            throw new Fault(StatusCode.PermissionDenied, "TOKEN_UNKNOWN",
                "The join token is of another cloud, or of a certificate authority that is trusted no more. " + Next);
        return token;
    }

    /// <exception cref="Fault">INVALID_ARGUMENT.</exception>
    public static void Check(GetAuthoritiesRequest request)
    {
        var violations = new Violations();
        violations.Require(IsDigest(request.CertifiedBySha256), "certified_by_sha256", Digest);
        if (violations.Require(request.TrustedSha256.Count <= MostTrusted, "trusted_sha256", $"must be at most {MostTrusted}"))
            for (var i = 0; i < request.TrustedSha256.Count; i++) violations.Require(IsDigest(request.TrustedSha256[i]), $"trusted_sha256[{i}]", Digest);
        violations.ThrowIfAny();
    }

    static bool IsDigest(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    public static Fault Refused(string reason) => new(StatusCode.PermissionDenied, reason, reason switch
    {
        "TOKEN_USED" => "The join token was used, by another key or for a node that is gone since. " + Next,
        "TOKEN_EXPIRED" => "The join token has expired. " + Next,
        "TOKEN_OTHER_NODE" => "The join token was made for another node. " + Next,
        _ => "This cloud did not make the join token, or it was made long ago. " + Next,
    });

    public static Fault Forgotten(string node) => Fault.Unauthenticated("NODE_UNKNOWN",
        $"{node} was removed from the fleet. {Next}");

    const int MostTrusted = 32;
    const string Digest = "must be a SHA-256 in lower-case hex";

    const string Next = "Make a new one with CreateJoinToken (monolith node token NODE) and join with that.";
}
