using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Monolith.Api.V1;
using Monolith.Compute.V1;

namespace Monolith.Compute.Steps;

internal enum StepStatus
{
    Pending,
    True,
    False,
}

/// <summary>
/// One step of an operation on a server: a condition of the server while the operation is the last one, and a bar of
/// its waterfall for ever after. Immutable.
/// </summary>
/// <param name="Type">A word of <see cref="StepNames"/>.</param>
/// <param name="Component">Who does it.</param>
/// <param name="Start">When work on it began.</param>
/// <param name="Since">When the status last changed.</param>
/// <param name="Deadline">When a pending step fails.</param>
internal sealed record Step(string Type, StepStatus Status, string Component, DateTime Start, DateTime Since,
    string Reason = "", string Message = "", DateTime? Deadline = null)
{
    public Condition ToCondition() => new()
    {
        Type = Type,
        Status = Status switch
        {
            StepStatus.True => Condition.Types.Status.True,
            StepStatus.False => Condition.Types.Status.False,
            _ => Condition.Types.Status.Pending,
        },
        Reason = Reason,
        Message = Message,
        Since = Since.ToTimestamp(),
        Deadline = Status == StepStatus.Pending ? Deadline?.ToTimestamp() : null,
    };

    public ServerEvent ToEvent(string operation) => new()
    {
        Operation = operation,
        Step = Type,
        Component = Component,
        StartTime = Start.ToTimestamp(),
        Duration = Status == StepStatus.Pending
            ? null
            : Duration.FromTimeSpan(Since > Start ? Since - Start : TimeSpan.Zero),
        Outcome = Status switch
        {
            StepStatus.True => ServerEvent.Types.Outcome.Succeeded,
            StepStatus.False => ServerEvent.Types.Outcome.Failed,
            _ => ServerEvent.Types.Outcome.Running,
        },
        Reason = Reason,
        Message = Message,
    };
}

/// <summary>The steps' names, in the order in which they come true.</summary>
internal static class StepNames
{
    public const string PortsClaimed = "PortsClaimed";
    public const string Placed = "Placed";
    public const string ImageFetched = "ImageFetched";
    public const string DiskReady = "DiskReady";
    public const string Plugged = "Plugged";
    public const string Running = "Running";
    public const string Announced = "Announced";
    public const string Answering = "Answering";
    public const string Named = "Named";
    public const string Ready = "Ready";
    /// <summary>Ports that came or went while the server was there.</summary>
    public const string PortsPlugged = "PortsPlugged";
    public const string Stopped = "Stopped";
    public const string VmRemoved = "VmRemoved";
    /// <summary>What was on a lost hypervisor counts no more.</summary>
    public const string GivenUp = "GivenUp";

    // Of a migration, with Placed and Announced.
    public const string TargetReady = "TargetReady";
    public const string DiskCopied = "DiskCopied";
    public const string MemoryCopied = "MemoryCopied";
    public const string SwitchedOver = "SwitchedOver";
    public const string SourceRemoved = "SourceRemoved";
}

internal static class StepList
{
    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Step? Find(this IReadOnlyList<Step> steps, string type) =>
        steps.FirstOrDefault(s => s.Type == type);

    public static bool IsTrue(this IReadOnlyList<Step> steps, string type) =>
        steps.Find(type)?.Status == StepStatus.True;

    /// <summary>The list with the step in it: replaced in place, or added at the end. The same list when nothing
    /// changes but times.</summary>
    public static IReadOnlyList<Step> With(this IReadOnlyList<Step> steps, Step step)
    {
        var changed = new List<Step>(steps.Count + 1);
        var found = false;
        foreach (var old in steps)
        {
            if (old.Type != step.Type)
            {
                changed.Add(old);
                continue;
            }
            if (old.Status == step.Status && old.Reason == step.Reason && old.Message == step.Message
                && old.Component == step.Component) return steps;
            changed.Add(old.Status == StepStatus.Pending && step.Start > old.Start ? step with { Start = old.Start } : step);
            found = true;
        }
        if (!found) changed.Add(step);
        return changed;
    }

    public static readonly ValueConverter<IReadOnlyList<Step>, string> Converter = new(
        steps => JsonSerializer.Serialize(steps, Json),
        text => JsonSerializer.Deserialize<List<Step>>(text, Json)!);

    /// <summary>Lists are never changed in place, so being the same object is being equal.</summary>
    public static readonly ValueComparer<IReadOnlyList<Step>> Comparer = new(
        (a, b) => ReferenceEquals(a, b), steps => steps.Count, steps => steps);
}
