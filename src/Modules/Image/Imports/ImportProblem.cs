namespace Monolith.Image.Imports;

/// <summary>Why an attempt came to nothing.</summary>
/// <param name="reason">For programs, UPPER_SNAKE_CASE.</param>
/// <param name="message">For the user: what happened, and what to do.</param>
/// <param name="passes">It may be otherwise the next time.</param>
internal sealed class ImportProblem(string reason, string message, bool passes, Exception? inner = null)
    : Exception(message, inner)
{
    public string Reason { get; } = reason;

    public bool Passes { get; } = passes;
}
