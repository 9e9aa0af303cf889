using Grpc.Core;

namespace Monolith.Cli.Session;

/// <summary>
/// What the process tells its caller. Scripts rely on these numbers; <c>monolith --help</c> lists them.
/// </summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    /// <summary>The command line is wrong; nothing was sent.</summary>
    public const int Usage = 2;
    /// <summary>The request was refused as it stands (INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE).</summary>
    public const int Refused = 3;
    public const int NotFound = 4;
    /// <summary>UNAUTHENTICATED or PERMISSION_DENIED.</summary>
    public const int NotAllowed = 5;
    /// <summary>ALREADY_EXISTS or ABORTED: somebody was there before.</summary>
    public const int Conflict = 6;
    /// <summary>UNAVAILABLE, DEADLINE_EXCEEDED or RESOURCE_EXHAUSTED: the same call may work later.</summary>
    public const int TryLater = 7;
    /// <summary>The resource that was waited for failed.</summary>
    public const int WaitedFailed = 8;
    /// <summary>The wait was given up; the work goes on.</summary>
    public const int WaitedTooLong = 9;
    public const int Interrupted = 130;

    public const string Explained = """
        Exit codes:
          0  done                         5  not authenticated or not allowed
          1  failed in some other way     6  exists already, or was changed by somebody else
          2  the command line is wrong    7  unavailable or overloaded: try again
          3  refused as it stands         8  the resource that was waited for failed
          4  not found                    9  waited longer than --timeout; the work goes on
        """;

    public static int Of(StatusCode code) => code switch
    {
        StatusCode.OK => Done,
        StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.OutOfRange => Refused,
        StatusCode.NotFound => NotFound,
        StatusCode.Unauthenticated or StatusCode.PermissionDenied => NotAllowed,
        StatusCode.AlreadyExists or StatusCode.Aborted => Conflict,
        StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.ResourceExhausted => TryLater,
        StatusCode.Cancelled => Interrupted,
        _ => Failed,
    };
}
