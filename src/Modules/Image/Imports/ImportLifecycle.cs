using Monolith.Image.Images;
using static Monolith.Image.V1.Image.Types;

namespace Monolith.Image.Imports;

/// <summary>What is to be done for an import. Closed.</summary>
internal abstract record ImportAct
{
    ImportAct() { }

    /// <summary>Nothing until something changes.</summary>
    public sealed record Rest : ImportAct;

    /// <summary>Nobody wants it any more: end the attempt, remove what came.</summary>
    public sealed record Discard : ImportAct;

    /// <summary>Begin an attempt.</summary>
    public sealed record Fetch(TimeSpan Left) : ImportAct;

    public sealed record Wait(TimeSpan For) : ImportAct;

    /// <summary>Its time is over.</summary>
    public sealed record GiveUp : ImportAct;
}

/// <summary>
/// An import's way:
/// <code>
///   ImportImage ─▶ IMPORTING: attempt ─▶ fetched ─▶ verified ─▶ (converted) ─▶ READY
///                     ▲  │ it may be otherwise the next time
///                     └──┘ pause that doubles, from the bytes that are here     │ it will not, or the deadline ─▶ FAILED
///   DeleteImage, at any time ─▶ row away ─▶ attempt ended, bytes away
/// </code>
/// The row says all that is needed to go on: a host that was killed finds it IMPORTING without an attempt.
/// </summary>
internal static class ImportLifecycle
{
    /// <param name="row">Null: deleted.</param>
    /// <param name="attempting">An attempt is under way in this process.</param>
    public static ImportAct Decide(ImageRow? row, bool attempting, DateTime now)
    {
        if (row is null || row.State != State.Importing) return new ImportAct.Discard();
        if (attempting) return new ImportAct.Rest();
        var import = row.Import!;
        var deadline = import.Deadline.ToDateTime();
        if (now >= deadline) return new ImportAct.GiveUp();
        return import.NextAttemptTime?.ToDateTime() is { } next && next > now
            ? new ImportAct.Wait((next < deadline ? next : deadline) - now)
            : new ImportAct.Fetch(deadline - now);
    }

    /// <summary>How long to wait before the next attempt.</summary>
    /// <param name="failures">Attempts in a row that brought nothing, at least 1.</param>
    /// <param name="lot">0 to 1: so that not all come back at the same time.</param>
    public static TimeSpan Pause(ImportOptions options, int failures, double lot)
    {
        var pause = options.FirstPause * Math.Pow(2, Math.Min(failures - 1, 20));
        return (pause < options.LastPause ? pause : options.LastPause) * (0.75 + lot / 2);
    }
}
