using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;

namespace Monolith.Agent.Join;

/// <summary>The cause in an error (AIP-193).</summary>
internal static class ErrorDetails
{
    private const string Trailer = "grpc-status-details-bin";

    /// <summary>ErrorInfo's reason; null when the error carries none.</summary>
    public static string? ReasonOf(RpcException error)
    {
        if (error.Trailers.GetValueBytes(Trailer) is not { } bytes) return null;
        try
        {
            var status = Google.Rpc.Status.Parser.ParseFrom(bytes);
            foreach (var detail in status.Details)
            {
                if (detail.Is(ErrorInfo.Descriptor)) return ErrorInfo.Parser.ParseFrom(detail.Value).Reason;
            }
        }
        catch (InvalidProtocolBufferException)
        {
            // A cause that cannot be read is none.
        }

        return null;
    }
}
