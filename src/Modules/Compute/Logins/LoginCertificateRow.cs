using Google.Protobuf.WellKnownTypes;
using Monolith.Compute.V1;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Logins;

/// <summary>A certificate that somebody got. Never changes.</summary>
internal sealed class LoginCertificateRow : ResourceRow
{
    public required Guid ServerUid { get; init; }
    public required long Serial { get; init; }
    public required string Member { get; init; }
    public required string Credential { get; init; }
    public required string PublicKey { get; init; }
    public required string Fingerprint { get; init; }
    public required string KeyId { get; init; }
    public bool AsRoot { get; init; }
    public DateTime ExpireTime { get; init; }

    public IReadOnlyList<string> Principals => LoginRules.PrincipalsOf(ServerUid, AsRoot);

    public LoginCertificate ToProto() => new()
    {
        Name = Name,
        PublicKey = PublicKey,
        AsRoot = AsRoot,
        Ttl = Duration.FromTimeSpan(ExpireTime - CreateTime),
        Member = Member,
        Credential = Credential,
        Fingerprint = Fingerprint,
        Serial = Serial,
        KeyId = KeyId,
        Principals = { Principals },
        LoginName = AsRoot ? LoginRules.Root : LoginRules.Guest,
        HostKeyAlias = ServerUid.ToString(),
        CreateTime = CreateTime.ToTimestamp(),
        ExpireTime = ExpireTime.ToTimestamp(),
    };
}
