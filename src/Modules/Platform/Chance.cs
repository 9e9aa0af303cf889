namespace Monolith.Platform;

/// <summary>
/// What the modules leave to chance: new ids, the length of pauses, who is first among equals. Secrets are not left to
/// it: they come from the system's generator. A simulation puts dice with a seed here, for the whole process.
/// </summary>
public static class Chance
{
    /// <summary>Safe for concurrent use.</summary>
    public static Random Dice { get; internal set; } = Random.Shared;

    /// <summary>A new UUIDv7: those of one clock are in the order of their making, to a millisecond.</summary>
    public static Guid NewUid() => Uids();

    internal static Func<Guid> Uids { get; set; } = Guid.CreateVersion7;
}
