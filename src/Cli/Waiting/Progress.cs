using Monolith.Cli.Session;

namespace Monolith.Cli.Waiting;

/// <summary>What is known of the work at one moment.</summary>
internal sealed record Frame(string State, IReadOnlyList<Step> Steps);

/// <summary>
/// Shows a wait's progress on standard error: redrawn on a terminal, a line for each change elsewhere.
/// </summary>
internal abstract class Progress : IAsyncDisposable
{
    public static Progress Of(Surroundings around, string title) =>
        around.Interactive ? new LiveProgress(around, title) : new LineProgress(around, title);

    public abstract void Show(Frame frame);

    public abstract ValueTask DisposeAsync();
}
