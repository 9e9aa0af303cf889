using Google.Protobuf;
using Monolith.Api.V1;
using Monolith.Cli.Api;

namespace Monolith.Cli.Waiting;

/// <summary>A condition as a step of the work.</summary>
/// <param name="Took">From the end of the step before it, or the beginning, to its own; null while it is under
/// way.</param>
internal sealed record Step(
    string Name, Condition.Types.Status Status, string Reason, string Message, TimeSpan? Took, DateTimeOffset? Deadline)
{
    public bool Failed => Status == Condition.Types.Status.False;

    public bool Done => Status == Condition.Types.Status.True;

    /// <summary>The cause, as far as there is one: <c>NO_VALID_HYPERVISOR: …</c>.</summary>
    public string Cause => (Reason, Message) switch
    {
        ("", var message) => message,
        (var reason, "") => reason,
        var (reason, message) => $"{reason}: {message}",
    };
}

/// <summary>Reads the steps out of a resource's conditions.</summary>
internal static class Steps
{
    /// <param name="resource">Any resource with conditions.</param>
    /// <param name="began">When the work began.</param>
    public static IReadOnlyList<Step> Of(IMessage resource, DateTimeOffset began)
    {
        var conditions = Messages.Many<Condition>(resource, "conditions").ToList();
        var ends = conditions
            .Where(condition => condition.Status == Condition.Types.Status.True && condition.Since is not null)
            .Select(condition => condition.Since.ToDateTimeOffset())
            .Order()
            .ToList();
        return [.. conditions.Select(condition => new Step(
            condition.Type, condition.Status, condition.Reason, condition.Message, Took(condition, began, ends),
            condition.Deadline?.ToDateTimeOffset()))];
    }

    /// <summary>
    /// What a resource that is to go still waits for: facts that hold no longer are its way down, not failures.
    /// </summary>
    public static IReadOnlyList<Step> Left(IMessage resource, DateTimeOffset began) =>
        [.. Of(resource, began).Where(step => !step.Done && step.Cause.Length > 0)
            .Select(step => Messages.Enum(resource, "state") == "FAILED"
                ? step
                : step with { Status = Condition.Types.Status.Pending, Took = null })];

    static TimeSpan? Took(Condition condition, DateTimeOffset began, List<DateTimeOffset> ends)
    {
        if (condition.Since is null
            || condition.Status is not (Condition.Types.Status.True or Condition.Types.Status.False))
            return null;
        var end = condition.Since.ToDateTimeOffset();
        // A condition that held before the work began took none of it.
        if (end < began)
            return TimeSpan.Zero;
        var before = ends.LastOrDefault(other => other < end);
        return end - (before > began ? before : began);
    }
}
