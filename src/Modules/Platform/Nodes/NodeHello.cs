using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Platform.Faults;
using Monolith.Protos;

namespace Monolith.Platform.Nodes;

/// <summary>What a node says of itself with the headers of the call that opens a stream (sync.proto).</summary>
public static class NodeHello
{
    /// <exception cref="Fault">INVALID_ARGUMENT: it is missing, too large, or something else.</exception>
    public static Hello Of(ServerCallContext context)
    {
        try
        {
            var bytes = context.RequestHeaders.GetValueBytes(HelloHeader.Name)
                ?? throw Invalid("is missing: it must be a header of this call, with a serialised Hello of sync.proto");
            if (bytes.Length > HelloHeader.MaxBytes)
                throw Invalid($"must have at most {HelloHeader.MaxBytes} bytes, and has {bytes.Length}");
            return Hello.Parser.ParseFrom(bytes);
        }
        // The server library decodes base64 when headers are first looked at.
        catch (Exception e) when (e is FormatException or InvalidProtocolBufferException)
        {
            throw Invalid("cannot be read: it must be a serialised Hello of sync.proto, in base64");
        }
    }

    static Fault Invalid(string description) => Fault.Invalid(HelloHeader.Name, description);
}
