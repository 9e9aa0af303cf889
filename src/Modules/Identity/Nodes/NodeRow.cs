using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform;
using Monolith.Platform.Storage;

namespace Monolith.Identity.Nodes;

/// <summary>A machine that joined. One that joins anew under its name is a new row, and its uid is in its certificates,
/// so that older ones are refused.</summary>
internal sealed class NodeRow : ResourceRow
{
    public NodeRole Role { get; init; }

    /// <summary>UTC; of the newest certificate.</summary>
    public DateTime CertificateExpireTime { get; set; }

    /// <summary>SHA-256 of the authority of the certificate that it shows, as it said last; lower-case hex.</summary>
    public string CertifiedBy { get; set; } = "";

    /// <summary>The newest that it trusts, as it said last; empty: it has not said anything yet.</summary>
    public string NewestTrusted { get; set; } = "";

    public Node ToProto() => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Role = Role,
        CertificateExpireTime = CertificateExpireTime.ToTimestamp(),
        CreateTime = CreateTime.ToTimestamp(),
        CertifiedBySha256 = CertifiedBy,
        NewestTrustedSha256 = NewestTrusted,
    };
}

/// <summary>A one-use token by which a machine joins.</summary>
internal sealed class JoinTokenRow
{
    public Guid Id { get; init; } = Chance.NewUid();

    /// <summary>The node's id.</summary>
    public required string Node { get; init; }

    public required NodeRole Role { get; init; }

    /// <summary>SHA-256 of the secret.</summary>
    public required byte[] Digest { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime ExpireTime { get; init; }

    /// <summary>UTC; null while it is unused.</summary>
    public DateTime? UseTime { get; set; }

    /// <summary>SHA-256 of the public key that it was used for.</summary>
    public byte[]? KeyDigest { get; set; }

    /// <summary>The node's uid.</summary>
    public Guid? NodeUid { get; set; }
}
