using Grpc.Core;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Identity.Access;

/// <summary>What is lent for minutes may be lost for minutes: it makes no credential, whatever its owner may.</summary>
internal static class Lent
{
    /// <exception cref="Fault">PERMISSION_DENIED for who shows an access token.</exception>
    public static void Refuse(Caller caller)
    {
        if (caller.IsLent)
            throw new Fault(StatusCode.PermissionDenied, "CREDENTIAL_IS_LENT", $"{caller.Credential} is an access token, and neither handles tokens nor "
                + "says who somebody is. Show the token that it is of.");
    }
}
