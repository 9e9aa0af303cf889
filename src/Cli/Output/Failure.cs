using System.CommandLine;
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
    const string Trace = "trace_id";

    /// <param name="error">The failure.</param>
    /// <param name="settings">Where it was called, and whether everything is to be shown.</param>
    /// <param name="ink">How it is painted.</param>
    /// <param name="command">The command that called: fields are then shown by the options that set them.</param>
    public static IEnumerable<string> Describe(RpcException error, Settings settings, Ink ink, Command? command = null)
    {
        var status = Details(error);
        var details = status?.Details.ToList() ?? [];
        var fields = All<BadRequest>(details).SelectMany(bad => bad.FieldViolations).ToList();
        var infos = All<ErrorInfo>(details).ToList();
        var message = Clean(status is { Message.Length: > 0 } ? status.Message : Detail(error, settings));
        // Words for programs that read nothing else: here the list below says the same.
        if (fields.Count > 0 && fields.All(one => message.Contains(Clean(one.Description), StringComparison.Ordinal)))
            message = fields.Count == 1 ? "one field is wrong" : $"{fields.Count} fields are wrong";
        yield return $"{ink.Red("error:")} {Code(CodeOf(error))}: {message}";

        foreach (var violation in fields)
            yield return $"  {ink.Bold(FieldNames.Of(Clean(violation.Field), command))}: "
                + Clean(violation.Description);
        foreach (var violation in All<PreconditionFailure>(details).SelectMany(failure => failure.Violations))
            yield return $"  {ink.Bold(Clean(violation.Subject))}: {Clean(violation.Description)}"
                + (violation.Type.Length > 0 ? ink.Dim($" ({Clean(violation.Type)})") : "");
        foreach (var violation in All<QuotaFailure>(details).SelectMany(failure => failure.Violations))
            yield return $"  {ink.Bold(Clean(violation.Subject))}: {Clean(violation.Description)}";
        foreach (var info in infos)
        {
            yield return $"  reason: {Clean(info.Reason)}"
                + (info.Domain.Length > 0 ? ink.Dim($" ({Clean(info.Domain)})") : "");
            foreach (var (key, value) in info.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                if (settings.Verbose || (key != Trace && !message.Contains(Clean(value), StringComparison.Ordinal)))
                    yield return $"    {Clean(key)}: {Clean(value)}";
        }
        foreach (var retry in All<RetryInfo>(details).Where(retry => retry.RetryDelay is not null))
            yield return "  try again in "
                + retry.RetryDelay.ToTimeSpan().TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + " s";
        foreach (var help in All<Help>(details).SelectMany(help => help.Links))
            yield return $"  {Clean(help.Description)} {Clean(help.Url)}";
        // What an operator finds in the host's log.
        if (error.Data["trace"] is string trace && CodeOf(error) is StatusCode.Internal or StatusCode.Unknown)
            yield return $"  trace: {error.Data["trace"] ?? ""}";
        var resource = infos.Select(info => info.Metadata.GetValueOrDefault("resource")).FirstOrDefault(it => it is not null);
        if (Hints.Of(error, fields, resource, settings) is { } hint)
            yield return $"{ink.Yellow("hint:")} {hint}";
    }

    /// <summary>The call's code. A connection that was never made is UNAVAILABLE, whatever the library calls it.</summary>
    public static StatusCode CodeOf(RpcException error) =>
        Hints.Transport(error) is null ? error.StatusCode : StatusCode.Unavailable;

    /// <summary>An endpoint as a person writes it.</summary>
    public static string Shown(Uri endpoint) => endpoint.GetLeftPart(UriPartial.Authority);

    // What failed on this side, the system says better than the channel does.
    static string Detail(RpcException error, Settings settings) => Hints.Transport(error) switch
    {
        null => error.Status.Detail,
        var broken when Hints.Distrusted(broken) => $"The certificate of {Shown(settings.Endpoint)} is not trusted.",
        var broken => $"{Shown(settings.Endpoint)}: {broken.GetBaseException().Message}",
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

    static string Code(StatusCode code) => Api.Messages.Snake(code.ToString()).ToUpperInvariant();

    // What a server sent goes to a terminal: control characters do not.
    static string Clean(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter)) : text;
}
