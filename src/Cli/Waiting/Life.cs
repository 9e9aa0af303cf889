using Google.Protobuf;
using Monolith.Api.V1;
using Monolith.Cli.Api;

namespace Monolith.Cli.Waiting;

/// <summary>The states in which a wait ends, by the names of the noun's State enum without their prefix.</summary>
/// <param name="Settled">What create and update wait for.</param>
/// <param name="Failed">Where work has ended without it.</param>
internal sealed record Life(IReadOnlyList<string> Settled, IReadOnlyList<string> Failed)
{
    /// <summary>Deleted, and still to be had back: what a wait for a deletion comes to.</summary>
    public const string SoftlyDeleted = "SOFT_DELETED";

    /// <summary>Nothing more of a project goes by itself.</summary>
    const string PurgeHeld = "PURGE_HELD";

    public static readonly Life Server = new(["READY"], ["FAILED"]);
    public static readonly Life Image = new(["READY"], ["FAILED"]);
    public static readonly Life Prewarm = new(["WARM"], ["FAILED"]);
    public static readonly Life FloatingAddress = new(["ACTIVE", "UNATTACHED"], ["FAILED"]);
    public static readonly Life Project = new(["ACTIVE"], []);
    public static readonly Life LoadBalancer = new(["READY"], ["FAILED"]);

    /// <summary>How a wait for <paramref name="goal"/> stands.</summary>
    public Verdict Judge(IMessage resource, Goal goal)
    {
        var state = Messages.Enum(resource, "state");
        if (goal.Gone && state == SoftlyDeleted)
            return Messages.Flag(resource, "reconciling") ? Verdict.GoOn : Verdict.Done;
        if (goal.Gone && Messages.Many<Condition>(resource, "conditions").Any(c => c.Reason == PurgeHeld))
            return Verdict.Failed;
        if (goal.Gone)
            return state == "FAILED" && !Messages.Flag(resource, "reconciling") ? Verdict.Failed : Verdict.GoOn;
        if (goal.Migration is { } ends)
        {
            var migration = Messages.Enum(resource, "migration.state");
            return ends.Contains(migration) ? Verdict.Done
                : migration is "FAILED" or "ABORTED" or "SUCCEEDED" ? Verdict.Failed
                : Verdict.GoOn;
        }
        if (goal.Condition is { } condition)
        {
            var status = Messages.Many<Condition>(resource, "conditions").FirstOrDefault(c => c.Type == condition)?.Status;
            return status == Condition.Types.Status.True ? Verdict.Done
                : status == Condition.Types.Status.False ? Verdict.Failed
                : Failed.Contains(state) ? Verdict.Failed
                : Verdict.GoOn;
        }
        // An edit is in force when the revision that it made, or a later one, is.
        if (Messages.Get(resource, "revision") is long revision && revision < goal.Revision)
            return Verdict.GoOn;
        return (goal.States ?? Settled).Contains(state) ? Verdict.Done
            : Failed.Contains(state) ? Verdict.Failed
            : Verdict.GoOn;
    }
}

/// <summary>What a wait is for.</summary>
/// <param name="Gone">The resource's end.</param>
/// <param name="States">These states rather than the settled ones.</param>
/// <param name="Revision">At least this revision, where the resource has one.</param>
/// <param name="Migration">One of these states of the migration; empty: there is none.</param>
/// <param name="Condition">This condition is TRUE.</param>
internal sealed record Goal(bool Gone = false, IReadOnlyList<string>? States = null, long Revision = 0,
    IReadOnlyList<string>? Migration = null, string? Condition = null)
{
    public static readonly Goal Plug = new(Condition: "PortsPlugged");
    public static readonly Goal Migrate = new(Migration: ["SUCCEEDED"]);
    public static readonly Goal GiveUp = new(Migration: ["ABORTED", "FAILED", "SUCCEEDED", ""]);
    public static readonly Goal Settle = new();
    public static readonly Goal Vanish = new(Gone: true);
}

internal enum Verdict
{
    GoOn,
    Done,
    Failed,
}
