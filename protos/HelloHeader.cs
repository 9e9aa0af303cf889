using Google.Protobuf;
using Grpc.Core;

namespace Monolith.Protos;

/// <summary>The request header of a sync call that an agent's Hello travels in (sync.proto).</summary>
public static class HelloHeader
{
    public const string Name = "monolith-hello-bin";

    /// <summary>Of the serialised message; base64 makes it a third longer on the wire.</summary>
    public const int MaxBytes = 4096;

    /// <summary>The headers of a call that says this.</summary>
    public static Metadata Of(Agent.V1.Hello hello) => new() { { Name, hello.ToByteArray() } };
}
