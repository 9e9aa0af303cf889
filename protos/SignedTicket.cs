namespace Monolith.Protos;

/// <summary>What the cloud's CA signs of a <c>BlobTicket</c>: never anything that could be a certificate.</summary>
public static class SignedTicket
{
    public static byte[] Of(ReadOnlySpan<byte> ticket) => [.. "monolith blob ticket 1\0"u8, .. ticket];
}
