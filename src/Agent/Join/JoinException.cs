namespace Monolith.Agent.Join;

/// <summary>A machine did not become a node, or is none. The message says why and what to do next.</summary>
/// <param name="reason">UPPER_SNAKE_CASE; the host's own reason when it refused.</param>
public sealed class JoinException(string reason, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Reason { get; } = reason;
}
