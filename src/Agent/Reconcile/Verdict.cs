namespace Monolith.Agent.Reconcile;

/// <summary>What a step says about its lane.</summary>
internal abstract record Verdict
{
    private Verdict()
    {
    }

    /// <summary>Nothing to do until somebody wakes the lane.</summary>
    public static Verdict Done { get; } = new Settled();

    /// <summary>Take the next step at once.</summary>
    public static Verdict Next { get; } = new Again(TimeSpan.Zero);

    public static Verdict After(TimeSpan wait) => new Again(wait < TimeSpan.Zero ? TimeSpan.Zero : wait);

    /// <summary>Nothing to do, and nobody to say when there is: look again then.</summary>
    public static Verdict LookAfter(TimeSpan wait) =>
        new Again(wait < TimeSpan.Zero ? TimeSpan.Zero : wait, AsWanted: true);

    public sealed record Settled : Verdict;

    /// <param name="Wait">At least zero.</param>
    /// <param name="AsWanted">The consequences of what woke the lane end here.</param>
    public sealed record Again(TimeSpan Wait, bool AsWanted = false) : Verdict;

    /// <summary>There is no such thing any more: the lane is forgotten.</summary>
    public sealed record Gone : Verdict;
}
