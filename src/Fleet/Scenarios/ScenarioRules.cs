namespace Monolith.Fleet.Scenarios;

/// <summary>What a scenario must be, every violation at once.</summary>
internal static class ScenarioRules
{
    const int MostNodes = 20_000;

    public static IReadOnlyList<string> Violations(Scenario scenario)
    {
        var wrong = new List<string>();
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
        if (fleet.Clock.Speed <= 0) wrong.Add("fleet.clock.speed must be more than 0");
        if (scenario.Steps.Count == 0) wrong.Add("steps must be at least one");
        foreach (var name in scenario.Steps.GroupBy(s => s.Name).Where(g => g.Count() > 1).Select(g => g.Key))
            wrong.Add($"two steps are called '{name}': give them names, so that their figures can be told apart");
        return wrong;

        void Between(string what, int value, int least, int most)
        {
            if (value < least || value > most) wrong.Add($"{what} must be from {least} to {most}, and is {value}");
        }

        void Part(string what, double value)
        {
            if (value is < 0 or > 1) wrong.Add($"{what} must be from 0 to 1, and is {value}");
        }
    }
}
