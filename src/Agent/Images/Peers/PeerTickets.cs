using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Monolith.Agent.V1;
using Monolith.Protos;

namespace Monolith.Agent.Images.Peers;

/// <summary>
/// Whether a reader may have a blob of this node: a CA of the cloud says so, of this reader, this node and this blob, and for
/// a short time. Pure but for the signature.
/// </summary>
internal static class PeerTickets
{
    /// <returns>The blob; null when it may not.</returns>
    /// <param name="reader">The node that the reader's certificate is of.</param>
    /// <param name="server">This node.</param>
    public static ImageDigest? Admit(
        PeerReadRequest request, IEnumerable<X509Certificate2> authorities, string reader, string server, DateTimeOffset now)
    {
        if (request.Offset < 0) return null;
        if (!authorities.Any(a => IsSignedBy(a, request))) return null;
        BlobTicket ticket;
        try
        {
            ticket = BlobTicket.Parser.ParseFrom(request.Ticket);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }

        return ticket.ReaderNode == reader && ticket.ServerNode == server && ticket.ExpireTimeSeconds >= now.ToUnixTimeSeconds()
            && ImageDigest.TryParse("sha256:" + ticket.Sha256, null, out var digest)
            ? digest
            : null;
    }

    private static bool IsSignedBy(X509Certificate2 authority, PeerReadRequest request)
    {
        using var key = authority.GetECDsaPublicKey();
        return key?.VerifyData(
            SignedTicket.Of(request.Ticket.Span), request.Signature.Span, HashAlgorithmName.SHA256,
            DSASignatureFormat.Rfc3279DerSequence) == true;
    }
}
