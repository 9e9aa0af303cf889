using Google.Protobuf.WellKnownTypes;
using Monolith.Compute.V1;
using Monolith.Platform.Storage;

namespace Monolith.Compute.KeyPairs;

/// <summary>A public key. Never changes.</summary>
internal sealed class KeyPairRow : ResourceRow
{
    public required string PublicKey { get; init; }
    public required string Fingerprint { get; init; }

    public KeyPair ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        PublicKey = PublicKey,
        Fingerprint = Fingerprint,
        CreateTime = CreateTime.ToTimestamp(),
    };
}
