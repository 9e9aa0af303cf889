namespace Monolith.Cli.Session;

/// <summary>The command line, the environment or the configuration asks for something that cannot be done.</summary>
/// <param name="message">What is wrong, for people.</param>
/// <param name="hint">What to do; shown on a line of its own.</param>
internal sealed class UsageException(string message, string? hint = null) : Exception(message)
{
    public string? Hint { get; } = hint;
}
