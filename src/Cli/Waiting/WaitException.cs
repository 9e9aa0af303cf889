namespace Monolith.Cli.Waiting;

/// <summary>A wait that did not end as it should. The message has every cause, a line each.</summary>
internal sealed class WaitException(string message, int exitCode) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
