using System.Globalization;
using Google.Rpc;
using Grpc.Core;
using Monolith.Cli.Session;
using Status = Google.Rpc.Status;

namespace Monolith.Cli.Output;

/// <summary>Says what went wrong from a call's status and its details (AIP-193), and what to do about it.</summary>
internal static class Failure
{
    const string DetailsTrailer = "grpc-status-details-bin";

    public static IEnumerable<string> Describe(RpcException error, Uri endpoint, Ink ink)
    {
        var status = Details(error);
        var details = status?.Details.ToList() ?? [];
        var message = status is { Message.Length: > 0 } ? status.Message : Detail(error.Status);
        yield return $"{ink.Red("error:")} {Code(error.StatusCode)}: {Clean(message)}";

        foreach (var violation in All<BadRequest>(details).SelectMany(bad => bad.FieldViolations))
            yield return $"  {ink.Bold(Clean(violation.Field))}: {Clean(violation.Description)}";
        foreach (var violation in All<PreconditionFailure>(details).SelectMany(failure => failure.Violations))
            yield return $"  {ink.Bold(Clean(violation.Subject))}: {Clean(violation.Description)}"
                + (violation.Type.Length > 0 ? ink.Dim($" ({Clean(violation.Type)})") : "");
        foreach (var violation in All<QuotaFailure>(details).SelectMany(failure => failure.Violations))
            yield return $"  {ink.Bold(Clean(violation.Subject))}: {Clean(violation.Description)}";
        foreach (var info in All<ErrorInfo>(details))
        {
            yield return $"  reason: {Clean(info.Reason)}"
                + (info.Domain.Length > 0 ? ink.Dim($" ({Clean(info.Domain)})") : "");
            foreach (var (key, value) in info.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                yield return $"    {Clean(key)}: {Clean(value)}";
        }
        foreach (var retry in All<RetryInfo>(details).Where(retry => retry.RetryDelay is not null))
            yield return "  try again in "
                + retry.RetryDelay.ToTimeSpan().TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + " s";
        foreach (var help in All<Help>(details).SelectMany(help => help.Links))
            yield return $"  {Clean(help.Description)} {Clean(help.Url)}";
        if (error.Data["trace"] is string trace && error.StatusCode is StatusCode.Internal or StatusCode.Unknown)
            yield return $"  trace: {error.Data["trace"] ?? ""}";
        if (Hint(error, endpoint) is { } hint)
            yield return $"{ink.Yellow("hint:")} {hint}";
    }

    // What failed on this side, the system says better than the channel does.
    static string Detail(Grpc.Core.Status status) => status switch
    {
        { StatusCode: StatusCode.Unavailable, DebugException: { } cause } => cause.GetBaseException().Message,
        _ => status.Detail,
    };

    /// <summary>The rich status, when the trailer carries one that parses.</summary>
    public static Status? Details(RpcException error)
    {
        try
        {
            return error.Trailers.GetValueBytes(DetailsTrailer) is { } bytes ? Status.Parser.ParseFrom(bytes) : null;
        }
        catch (Exception broken) when (broken is Google.Protobuf.InvalidProtocolBufferException or FormatException)
        {
            return null;
        }
    }

    static IEnumerable<T> All<T>(IEnumerable<Google.Protobuf.WellKnownTypes.Any> details)
        where T : class, Google.Protobuf.IMessage<T>, new()
    {
        foreach (var detail in details)
        {
            T? message = null;
            try
            {
                detail.TryUnpack(out message);
            }
            catch (Google.Protobuf.InvalidProtocolBufferException)
            {
                // A detail that does not parse is left out; the code and the message still say what happened.
            }
            if (message is not null)
                yield return message;
        }
    }

    static string? Hint(RpcException error, Uri endpoint) => error.StatusCode switch
    {
        StatusCode.Unavailable when error.Status.DebugException?.GetBaseException()
            is System.Security.Authentication.AuthenticationException =>
            $"The certificate of {endpoint} is not trusted. Name the cloud's CA with --ca FILE or $MONOLITH_CA.",
        StatusCode.Unavailable =>
            $"Is the host up at {endpoint}? Check --endpoint, $MONOLITH_ENDPOINT and `monolith config list`.",
        StatusCode.Unauthenticated =>
            "Pass a token with --token, $MONOLITH_TOKEN or `monolith config save NAME --token TOKEN`. An administrator "
            + "makes one with `monolith token create --user YOU`.",
        StatusCode.PermissionDenied =>
            "`monolith token whoami` shows your roles; an administrator adds one with `monolith role create`.",
        StatusCode.NotFound =>
            "Check the name and the project (--project). What you may not see looks the same as what is not there.",
        StatusCode.AlreadyExists => "--exist-ok takes the one that is there.",
        StatusCode.Aborted => "Somebody changed it meanwhile: read it again, and repeat the change.",
        StatusCode.DeadlineExceeded => "--timeout gives it longer. The request may have been carried out all the same.",
        StatusCode.ResourceExhausted => "Wait, or ask for less.",
        StatusCode.Unimplemented => $"Is {endpoint} a Monolith host, and as new as this command?",
        _ => null,
    };

    static string Code(StatusCode code) => Api.Messages.Snake(code.ToString()).ToUpperInvariant();

    // What a server sent goes to a terminal: control characters do not.
    static string Clean(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter)) : text;
}
