using System.Security.Cryptography;
using Google.Protobuf;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;

namespace Monolith.Platform.Storage;

/// <summary>The parts of a mutating request that mean the same in every method.</summary>
/// <param name="Payload">SHA-256 over everything else; empty without a request id.</param>
internal readonly record struct Mutation(string RequestId, bool ValidateOnly, byte[] Payload)
{
    public static Mutation Of(IMessage request)
    {
        var idField = request.Descriptor.FindFieldByName("request_id");
        var validateField = request.Descriptor.FindFieldByName("validate_only");
        var id = (string?)idField?.Accessor.GetValue(request) ?? "";
        var validate = (bool?)validateField?.Accessor.GetValue(request) ?? false;
        if (id.Length == 0) return new("", validate, []);
        if (!Guid.TryParse(id, out _)) throw Fault.Invalid("request_id", "must be a UUID, or empty");
        return new(id, validate, SHA256.HashData(request.ToByteArray()));
    }

    /// <summary>The key of the request's answer.</summary>
    public string Key(Call call) => $"{call.Caller.Name} {call.Method} {RequestId}";

    /// <summary>The answer that the request got before.</summary>
    /// <exception cref="Fault">INVALID_ARGUMENT when it was another request that got it.</exception>
    public TResponse Repeat<TResponse>(RequestRow before) where TResponse : IMessage<TResponse>, new()
    {
        if (!before.Payload.AsSpan().SequenceEqual(Payload))
            throw Fault.Invalid("request_id",
                "was used for a different request; make a new one for each request that you mean to be another");
        var response = new TResponse();
        response.MergeFrom(before.Response);
        return response;
    }
}
