using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Api.V1;
using Monolith.Identity.Contracts;
using Monolith.Identity.V1;

namespace Monolith.Identity.Projects.Purging;

/// <summary>What is said of a project that goes. Pure.</summary>
internal static class PurgeReport
{
    const string Purged = "Purged";

    public static ProjectRemainder ToRemainder(ProjectContent content) => new()
    {
        Kind = content.Kind,
        Count = content.Count,
        Names = { content.Some },
        Reason = content.Reason,
        Message = content.Message,
        Held = content.Held,
    };

    /// <summary>As the row keeps it.</summary>
    /// <param name="left">What is left, by kind and reason.</param>
    /// <param name="moves">Something went since the last report, or was not asked to go yet.</param>
    public static byte[] Of(ProjectRow row, IReadOnlyList<ProjectContent> left, bool moves, DateTime now)
    {
        var condition = row.Purging ? Purging(left, moves) : Waiting(row, left);
        var before = Project.Parser.ParseFrom(row.Report).Conditions.FirstOrDefault();
        condition.Type = Purged;
        condition.Since = before?.Status == condition.Status ? before.Since : now.ToTimestamp();
        return new Project { Conditions = { condition }, Remainders = { left.Select(ToRemainder) } }.ToByteArray();
    }

    static Condition Waiting(ProjectRow row, IReadOnlyList<ProjectContent> left)
    {
        var time = row.PurgeTime!.Value.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
        var id = row.Project;
        var held = left.Where(c => c.Held).Sum(c => c.Count);
        return new Condition
        {
            Status = Condition.Types.Status.Pending,
            Reason = "WAITING",
            Message = $"It goes at {time} with all that it owns. `monolith project undelete {id}` brings it back before that."
                + (held > 0 ? $" {held} of what it owns will be held: the remainders say why." : ""),
            Deadline = row.PurgeTime.Value.ToTimestamp(),
        };
    }

    static Condition Purging(IReadOnlyList<ProjectContent> left, bool moves)
    {
        var count = left.Sum(c => c.Count);
        if (moves || left.Any(c => c.Reason == ProjectContent.BeingDeleted) || left.All(c => c.Reason.Length == 0))
            return new Condition
            {
                Status = Condition.Types.Status.Pending,
                Reason = "PURGING",
                Message = count == 0 ? "All that it owned is gone." : $"{count} things that it owns are left.",
            };
        // Who waits for something else is told of by that.
        var causes = left.Where(c => c.Held).ToList() is { Count: > 0 } held ? held : [.. left];
        return new Condition
        {
            Status = Condition.Types.Status.False,
            Reason = "PURGE_HELD",
            Message = string.Join(" ", causes.Select(c => $"{c.Kind}: {c.Count}, {c.Reason}. {c.Message}")),
        };
    }
}
