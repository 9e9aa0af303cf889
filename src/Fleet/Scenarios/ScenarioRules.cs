namespace Monolith.Fleet.Scenarios;

/// <summary>Something that a scenario must be and is not. Immutable.</summary>
/// <param name="Path">Where, such as <c>fleet.racks</c> or <c>steps.2</c>, counted from 0.</param>
/// <param name="What">In words, with the place as people say it.</param>
internal sealed record Violation(string Path, string What);

/// <summary>What a scenario must be, every violation at once.</summary>
internal static class ScenarioRules
{
    const int MostNodes = 20_000;

    public static IReadOnlyList<Violation> Violations(Scenario scenario)
    {
        var wrong = new List<Violation>();
        var fleet = scenario.Fleet;
        Between("fleet.hypervisors", fleet.Hypervisors, 1, MostNodes);
        Between("fleet.load_balancers", fleet.LoadBalancers, 0, 100);
        Between("fleet.racks", fleet.Racks, 1, MostNodes);
        Between("fleet.zones", fleet.Zones, 1, Math.Max(1, fleet.Racks));
        Between("fleet.joins_at_once", fleet.JoinsAtOnce, 1, 1000);
        Between("projects", scenario.Projects, 1, 10_000);
        Part("fleet.failures.start", fleet.Failures.Start);
        Part("fleet.failures.image", fleet.Failures.Image);
        Part("fleet.failures.silent", fleet.Failures.Silent);
        Part("fleet.slow.part", fleet.Slow.Part);
        if (fleet.Clock.Speed <= 0) Add("fleet.clock.speed", "fleet.clock.speed must be more than 0");
        if (scenario.Steps.Count == 0) Add("steps", "steps must be at least one");
        foreach (var step in scenario.Steps)
        {
            if (step.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-')))
                Add($"steps.{step.Index}", $"'{step.Name}' is no step's name: letters, digits, _ and - only");
            foreach (var violation in step.Violations) Add($"steps.{step.Index}", $"{step.Name}: {violation}");
            if (scenario.Steps.Any(s => s.Index < step.Index && s.Name == step.Name))
                Add($"steps.{step.Index}",
                    $"two steps are called '{step.Name}': name them, so that their figures can be told apart");
        }
        return wrong;

        void Add(string path, string what) => wrong.Add(new Violation(path, what));

        void Between(string path, int value, int least, int most)
        {
            if (value < least || value > most) Add(path, $"{path} must be from {least} to {most}, and is {value}");
        }

        void Part(string path, double value)
        {
            if (value is not (>= 0 and <= 1)) Add(path, $"{path} must be from 0 to 1, and is {value}");
        }
    }
}
