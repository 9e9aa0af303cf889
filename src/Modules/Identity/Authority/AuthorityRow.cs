using Google.Protobuf.WellKnownTypes;
using Monolith.Identity.V1;
using Monolith.Platform.Storage;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Identity.Authority;

/// <summary>A key that the cloud signs with. Of each use one at most signs, and one at most is to sign next.</summary>
internal sealed class AuthorityRow : ResourceRow
{
    public Use Use { get; init; }

    /// <summary>Of the use: 1, 2, 3, …</summary>
    public int Number { get; init; }

    public State State { get; set; }

    /// <summary>X.509 in DER; empty: it signs no such certificates.</summary>
    public byte[] Certificate { get; init; } = [];

    /// <summary>PKCS#8, sealed.</summary>
    public required byte[] SealedKey { get; init; }

    /// <summary>UTC.</summary>
    public DateTime? SignTime { get; set; }

    /// <summary>UTC.</summary>
    public DateTime? RetireTime { get; set; }

    /// <param name="shown">What is public of its key.</param>
    /// <param name="pending">Nodes that its next step would cut off.</param>
    public CertificateAuthority ToProto(PublicAuthority shown, IReadOnlyList<string> pending) => new()
    {
        Name = Name,
        Uid = Uid.ToString(),
        Etag = Etag,
        Use = Use,
        State = State,
        PublicKey = shown.Text,
        Fingerprint = shown.Fingerprint,
        CreateTime = CreateTime.ToTimestamp(),
        SignTime = SignTime?.ToTimestamp(),
        RetireTime = RetireTime?.ToTimestamp(),
        ExpireTime = shown.Expires?.ToTimestamp(),
        PendingNodes = { pending.Take(AuthorityRules.MostNamed) },
        PendingNodeCount = pending.Count,
        ReadyTime = AuthorityRules.ReadyTime(Use, State, CreateTime, RetireTime)?.ToTimestamp(),
    };
}

/// <summary>What everybody may know of an authority's key, in the form that its use has.</summary>
/// <param name="Text">A certificate in PEM, or a key of OpenSSH.</param>
/// <param name="Expires">UTC; null: never.</param>
internal sealed record PublicAuthority(string Text, string Fingerprint, DateTime? Expires);
