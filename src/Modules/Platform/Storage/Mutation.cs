using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Lists;

namespace Monolith.Platform.Storage;

/// <summary>The parts of a mutating request that mean the same in every method.</summary>
/// <param name="RequestId">Empty for none, and for one that is no id.</param>
/// <param name="Payload">SHA-256 over everything else; empty without a request id.</param>
/// <param name="Refusal">Of a request id that is none. What the request asks for is tried all the same, for the other
/// things that may be wrong with it.</param>
internal readonly record struct Mutation(string RequestId, bool ValidateOnly, byte[] Payload, Fault? Refusal)
{
    const string Field = "request_id";

    /// <summary>Whether something may happen.</summary>
    public bool Acts => !ValidateOnly && Refusal is null;

    public static Mutation Of(IMessage request)
    {
        var id = Fields.Text(request, Field);
        var validate = Fields.Flag(request, "validate_only");
        if (id.Length == 0) return new("", validate, [], null);
        return Check(id) is { Any: true } violations
            ? new("", validate, [], Fault.Invalid(violations.Found))
            : new(id, validate, SHA256.HashData(request.ToByteArray()), null);
    }

    /// <summary>Adds to a refusal of other fields what is wrong with the request id: methods look at their own fields
    /// before they come to it.</summary>
    public static Fault Complete(Fault fault, IMessage request)
    {
        if (fault.Code != StatusCode.InvalidArgument || fault.Fields.Count == 0
            || fault.Fields.Any(f => f.Field == Field)) return fault;
        var violations = Check(Fields.Text(request, Field));
        return violations.Any ? Fault.Invalid([.. fault.Fields, .. violations.Found]) : fault;
    }

    static Violations Check(string id)
    {
        var violations = new Violations();
        violations.RequestId(Field, id);
        return violations;
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
