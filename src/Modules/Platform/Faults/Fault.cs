using Grpc.Core;

namespace Monolith.Platform.Faults;

/// <summary>One field of a request that is wrong (google.rpc.BadRequest).</summary>
/// <param name="Field">Path from the request's root in proto names: <c>server.networks[0].network</c>.</param>
/// <param name="Description">What is wrong and what is accepted; may be read by the caller.</param>
public sealed record FieldViolation(string Field, string Description);

/// <summary>One reason why a resource is in the wrong state (google.rpc.PreconditionFailure).</summary>
/// <param name="Type">UPPER_SNAKE_CASE.</param>
/// <param name="Subject">The resource's name.</param>
/// <param name="Description">What stands in the way and what to do about it.</param>
public sealed record PreconditionViolation(string Type, string Subject, string Description);

/// <summary>One quota that a request would exceed (google.rpc.QuotaFailure).</summary>
/// <param name="Subject">The resource whose quota it is.</param>
/// <param name="Quota">The quota's word: <c>servers</c>.</param>
/// <param name="Limit">In the quota's unit.</param>
/// <param name="Description">Limit, usage and what was asked for, in words.</param>
public sealed record QuotaViolation(string Subject, string Quota, long Limit, string Description);

/// <summary>
/// The one error that rules and entities throw. <see cref="FaultInterceptor"/> turns it into google.rpc.Status
/// (AIP-193) with ErrorInfo always. The message and the metadata are sent to the caller; <see cref="Private"/> is only
/// logged.
/// </summary>
public sealed class Fault(StatusCode code, string reason, string message) : Exception(message)
{
    public StatusCode Code { get; } = code;

    /// <summary>A stable word for programs, UPPER_SNAKE_CASE.</summary>
    public string Reason { get; } = reason;

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<FieldViolation> Fields { get; init; } = [];

    public IReadOnlyList<PreconditionViolation> Preconditions { get; init; } = [];

    public IReadOnlyList<QuotaViolation> Quotas { get; init; } = [];

    /// <summary>When trying again makes sense; null when it does not.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>For the log only.</summary>
    public string? Private { get; init; }

    public static Fault Invalid(IReadOnlyList<FieldViolation> fields) =>
        new(StatusCode.InvalidArgument, "INVALID_REQUEST",
            fields.Count == 1
                ? $"{fields[0].Field}: {fields[0].Description}"
                : $"{fields.Count} fields are invalid: {string.Join("; ", fields.Select(f => $"{f.Field}: {f.Description}"))}")
        { Fields = fields };

    public static Fault Invalid(string field, string description) => Invalid([new(field, description)]);

    public static Fault NotFound(string name) =>
        new(StatusCode.NotFound, "RESOURCE_NOT_FOUND", $"{name} does not exist, or you may not see it.")
        { Metadata = new Dictionary<string, string> { ["resource"] = name } };

    public static Fault AlreadyExists(string name) =>
        new(StatusCode.AlreadyExists, "RESOURCE_EXISTS", $"{name} exists already.")
        { Metadata = new Dictionary<string, string> { ["resource"] = name } };

    public static Fault EtagMismatch(string name, string current) =>
        new(StatusCode.Aborted, "ETAG_MISMATCH",
            $"{name} was changed by somebody else. Read it again, apply your change to what you read, and send that.")
        { Metadata = new Dictionary<string, string> { ["resource"] = name, ["current_etag"] = current } };

    public static Fault Precondition(string reason, string subject, string message) =>
        new(StatusCode.FailedPrecondition, reason, message)
        {
            Metadata = new Dictionary<string, string> { ["resource"] = subject },
            Preconditions = [new(reason, subject, message)],
        };

    public static Fault Precondition(string message, IReadOnlyList<PreconditionViolation> violations) =>
        new(StatusCode.FailedPrecondition, violations[0].Type, message) { Preconditions = violations };

    public static Fault Denied(string permission, string scope, string caller) =>
        new(StatusCode.PermissionDenied, "PERMISSION_MISSING",
            $"{caller} lacks the permission {permission} on {scope}. Somebody who may bind roles there can give it; "
            + $"`monolith access explain {permission}{On(scope)}` says who.")
        {
            Metadata = new Dictionary<string, string>
            {
                ["permission"] = permission,
                ["scope"] = scope,
                ["caller"] = caller,
            },
        };

    static string On(string scope) => scope.StartsWith("projects/", StringComparison.Ordinal) ? $" --on {scope}"
        : scope == "the cloud" ? " --on cloud" : "";

    public static Fault Unauthenticated(string reason, string message) =>
        new(StatusCode.Unauthenticated, reason, message);

    public static Fault Unavailable(string reason, string message, TimeSpan retryAfter) =>
        new(StatusCode.Unavailable, reason, message) { RetryAfter = retryAfter };

    public static Fault Exhausted(string reason, string message, TimeSpan? retryAfter = null) =>
        new(StatusCode.ResourceExhausted, reason, message) { RetryAfter = retryAfter };

    /// <summary>A failure of ours: names the step, the component and the next action.</summary>
    public static Fault Internal(string component, string step, string next, string? detail = null) =>
        new(StatusCode.Internal, "INTERNAL", $"{component} failed at {step}. {next}")
        {
            Metadata = new Dictionary<string, string> { ["component"] = component, ["step"] = step },
            Private = detail,
        };
}
