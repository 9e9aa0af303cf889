using System.CommandLine;
using System.Net.Http;
using System.Net.Sockets;
using System.Security.Authentication;
using Google.Rpc;
using Grpc.Core;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Output;

/// <summary>What a person can do about a failure: the next command to type, wherever there is one.</summary>
internal static class Hints
{
    public static string? Of(RpcException error, IReadOnlyList<BadRequest.Types.FieldViolation> violations,
        string? resource, Settings settings)
    {
        if (Transport(error) is { } broken)
            return Connecting(broken, settings);
        if (violations.Count > 0 && Missing(violations) is { } missing)
            return missing;
        return error.StatusCode switch
        {
            // The host itself says what is not there, and what to do.
            StatusCode.Unavailable when Failure.Details(error) is not null => null,
            StatusCode.Unavailable => IsUp(settings),
            StatusCode.Unauthenticated =>
                "Sign in with `monolith login`, or pass a token with --token, $MONOLITH_TOKEN or `monolith config save NAME --token TOKEN`. An "
                + "administrator makes one with `monolith token create --user YOU`; the first one is in the file "
                + "admin.token of the host's data directory.",
            StatusCode.PermissionDenied =>
                "`monolith token whoami` shows your roles; an administrator binds one with `monolith role-binding create`.",
            StatusCode.NotFound => NotFound(resource),
            StatusCode.AlreadyExists => "--exist-ok takes the one that is there.",
            StatusCode.Aborted => "Somebody changed it meanwhile: read it again, and repeat the change.",
            StatusCode.DeadlineExceeded =>
                "--timeout gives it longer. The request may have been carried out all the same.",
            StatusCode.ResourceExhausted when IsQuota(error) =>
                "`monolith quota show` has limits and usage, and `monolith quota explain QUOTA` lists what counts.",
            StatusCode.ResourceExhausted => "Wait, or ask for less.",
            StatusCode.Unimplemented =>
                $"Is {Failure.Shown(settings.Endpoint)} a Monolith host, and as new as this command?",
            _ => null,
        };
    }

    /// <summary>What went wrong on this side of the connection; null when the host itself answered.</summary>
    public static Exception? Transport(RpcException error)
    {
        if (error.StatusCode is not (StatusCode.Unavailable or StatusCode.Internal))
            return null;
        for (var cause = error.Status.DebugException; cause is not null; cause = cause.InnerException)
            if (cause is HttpRequestException or IOException or AuthenticationException
                or SocketException)
                return error.Status.DebugException;
        return null;
    }

    /// <summary>True when the cause is that the host's certificate was not believed.</summary>
    public static bool Distrusted(Exception broken) =>
        broken.GetBaseException() is AuthenticationException refused
        && refused.Message.Contains("remote certificate", StringComparison.OrdinalIgnoreCase);

    static string Connecting(Exception broken, Settings settings)
    {
        var (endpoint, shown) = (settings.Endpoint, Failure.Shown(settings.Endpoint));
        if (Distrusted(broken))
            return broken.GetBaseException().Message.Contains("NameMismatch", StringComparison.Ordinal)
                ? $"It is not made for the name {endpoint.Host}: call a name that it is for, or start the host with "
                    + $"--tls-name {endpoint.Host}."
                : settings.Ca is { } ca
                    ? $"{ca} did not issue it. The cloud's own CA is ca.pem in the host's data directory."
                    : "Name the cloud's CA with --ca FILE or $MONOLITH_CA: ca.pem in the host's data directory.";
        if (broken.GetBaseException() is AuthenticationException or IOException
            && endpoint.Scheme == Uri.UriSchemeHttps && broken.GetBaseException() is not HttpIOException)
            return $"It may speak no TLS there: try --endpoint http://{endpoint.Authority}.";
        var spoken = broken as HttpRequestException ?? broken.InnerException as HttpRequestException;
        if (broken.ToString().Contains("HTTP_1_1_REQUIRED", StringComparison.Ordinal)
            || spoken?.HttpRequestError == HttpRequestError.VersionNegotiationError)
            return $"Something else than the API answers at {shown}: is that the port of /metrics?";
        // Somebody listened and made no sense, or hung up: how a TLS port takes plaintext differs from time to time.
        if (endpoint.Scheme == Uri.UriSchemeHttp && broken.GetBaseException()
            is not SocketException { SocketErrorCode: not SocketError.ConnectionReset })
            return $"If it speaks TLS there: --endpoint https://{endpoint.Authority}. {IsUp(settings)}";
        return IsUp(settings);
    }

    // No waiting helps there.
    static bool IsQuota(RpcException error) =>
        Failure.Details(error)?.Details.Any(detail => detail.Is(QuotaFailure.Descriptor)) ?? false;

    static string IsUp(Settings settings) => $"Is the host up at {Failure.Shown(settings.Endpoint)}? "
        + "Check --endpoint, $MONOLITH_ENDPOINT and `monolith config show`.";

    /// <summary>Which lists show what could have been meant, for what is named and does not exist.</summary>
    static string? Missing(IEnumerable<BadRequest.Types.FieldViolation> violations)
    {
        var lists = violations
            .Where(one => one.Description.Contains(" does not exist", StringComparison.Ordinal))
            .Select(one => Kind(one.Description.Split(' ')[0]))
            .OfType<Noun>().Select(noun => noun.Word).Distinct()
            .Select(word => $"`monolith {word} list`").ToList();
        return lists.Count == 0 ? null
            : $"{string.Join(" and ", lists)} {(lists.Count == 1 ? "shows" : "show")} what there is.";
    }

    static string NotFound(string? resource) => resource is not null && Kind(resource) is { } noun
        ? $"`monolith {noun.Word} list` shows those that you may see"
            + (noun.Place == Place.Cloud ? "." : "; --project names another project.")
        : "Check the name and the project (--project). What you may not see looks the same as what is not there.";

    static Noun? Kind(string name) => name.Split('/') is [.., var collection, _]
        ? Catalog.All.FirstOrDefault(noun => noun.Collection == collection && noun.Method("List") is not null)
        : null;
}
