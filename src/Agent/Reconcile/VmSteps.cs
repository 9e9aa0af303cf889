using System.Collections.Immutable;

namespace Monolith.Agent.Reconcile;

/// <summary>The steps of a start, in order. Pure.</summary>
internal static class VmSteps
{
    public const string ImageFetched = "ImageFetched";
    public const string DiskReady = "DiskReady";
    public const string Plugged = "Plugged";
    public const string Running = "Running";
    public const string Answering = "Answering";

    /// <summary>Begins a step that is not under way; the first one begins a new list.</summary>
    public static ImmutableArray<StepFact> Begin(ImmutableArray<StepFact> steps, string name, DateTimeOffset now)
    {
        var at = IndexOf(steps, name);
        if (at >= 0 && steps[at] is { Duration: null, Failed: false }) return steps;
        if (name == ImageFetched) return [new StepFact(name, now)];
        return at < 0 ? steps.Add(new StepFact(name, now)) : steps.SetItem(at, new StepFact(name, now));
    }

    public static ImmutableArray<StepFact> Tell(ImmutableArray<StepFact> steps, string name, string message)
    {
        var at = IndexOf(steps, name);
        return at < 0 ? steps : steps.SetItem(at, steps[at] with { Message = message });
    }

    public static ImmutableArray<StepFact> End(ImmutableArray<StepFact> steps, string name, DateTimeOffset now)
    {
        var at = IndexOf(steps, name);
        return at < 0 || steps[at].Duration is not null
            ? steps
            : steps.SetItem(at, steps[at] with { Duration = now - steps[at].Start, Failed = false, Message = "" });
    }

    public static ImmutableArray<StepFact> Fail(
        ImmutableArray<StepFact> steps, string name, DateTimeOffset now, string message)
    {
        var at = IndexOf(steps, name);
        return at < 0
            ? steps
            : steps.SetItem(at, steps[at] with { Duration = now - steps[at].Start, Failed = true, Message = message });
    }

    private static int IndexOf(ImmutableArray<StepFact> steps, string name)
    {
        for (var i = 0; i < steps.Length; i++)
        {
            if (steps[i].Name == name) return i;
        }

        return -1;
    }
}
