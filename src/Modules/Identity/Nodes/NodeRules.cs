using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Platform.Faults;

namespace Monolith.Identity.Nodes;

internal static class NodeRules
{
    /// <exception cref="Fault">For a token that cannot be one of this cloud's.</exception>
    public static JoinToken Check(JoinRequest request, string authorityDigest)
    {
        var token = JoinToken.Parse(request.Token) ?? throw new Fault(StatusCode.InvalidArgument, "TOKEN_MALFORMED",
            "This is not a join token. Copy the whole of what CreateJoinToken answered: it begins with 'mj1.'.")
        {
            Fields = [new("token", "must have the form mj1.{node}.{secret}.{sha256 of the CA certificate}")],
        };
        if (token.AuthorityDigest != authorityDigest)
            throw new Fault(StatusCode.PermissionDenied, "TOKEN_UNKNOWN",
                "The join token is of another cloud: it names another certificate authority. " + Next);
        return token;
    }

    public static Fault Refused(string reason) => new(StatusCode.PermissionDenied, reason, reason switch
    {
        "TOKEN_USED" => "The join token was used, by another key or for a node that is gone since. " + Next,
        "TOKEN_EXPIRED" => "The join token has expired. " + Next,
        "TOKEN_OTHER_NODE" => "The join token was made for another node. " + Next,
        _ => "This cloud did not make the join token, or it was made long ago. " + Next,
    });

    public static Fault Forgotten(string node) => Fault.Unauthenticated("NODE_UNKNOWN",
        $"{node} was removed from the fleet. {Next}");

    const string Next = "Make a new one with CreateJoinToken (monolith node token NODE) and join with that.";
}
