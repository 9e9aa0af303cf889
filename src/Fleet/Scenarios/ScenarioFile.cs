using System.Reflection;
using Monolith.Fleet.Hosts;
using Monolith.Fleet.Nodes;
using Monolith.Fleet.Probing;
using Monolith.Fleet.Steps;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Monolith.Fleet.Scenarios;

/// <summary>Scenarios as YAML: those that come with the program, and people's own.</summary>
internal static class ScenarioFile
{
    /// <summary>Names of the scenarios that come with the program.</summary>
    public static IReadOnlyList<string> Shipped { get; } =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames().Order(StringComparer.Ordinal)];

    /// <param name="nameOrPath">A shipped scenario's name, or a file.</param>
    /// <exception cref="FormatException">
    /// With a line for each violation: its place in the file and what is wrong there. A file that is not of the shape
    /// of a scenario has one, the first.
    /// </exception>
    public static Scenario Read(string nameOrPath) => Parse(Text(nameOrPath), nameOrPath);

    public static string Text(string nameOrPath)
    {
        if (Shipped.Contains(nameOrPath))
        {
            using var resource = Assembly.GetExecutingAssembly().GetManifestResourceStream(nameOrPath)!;
            using var reader = new StreamReader(resource);
            return reader.ReadToEnd();
        }
        if (!File.Exists(nameOrPath))
            throw new FormatException(
                $"There is no scenario and no file '{nameOrPath}'. Scenarios: {string.Join(", ", Shipped)}.");
        return File.ReadAllText(nameOrPath);
    }

    public static Scenario Parse(string yaml, string where)
    {
        Entry entry;
        try
        {
            entry = Deserializer().Deserialize<Entry>(yaml) ?? throw new FormatException($"{where}: it is empty.");
        }
        catch (YamlException e)
        {
            throw new FormatException(
                $"{where}, line {e.Start.Line}: {(e.InnerException ?? e).Message}", e);
        }
        var wrong = new List<Violation>();
        var like = Like(entry, wrong);
        var scenario = new Scenario
        {
            Name = entry.Name.Length > 0 ? entry.Name : Path.GetFileNameWithoutExtension(where),
            About = entry.About,
            Fleet = entry.Fleet ?? like.Fleet,
            Host = entry.Host ?? like.Host,
            Projects = entry.Projects ?? like.Projects,
            Probes = entry.Probes ?? like.Probes,
            Steps = entry.Steps is null ? like.Steps : [.. Named(entry.Steps, wrong)],
            Thresholds = entry.Thresholds is null ? like.Thresholds : [.. Thresholds(entry.Thresholds, wrong)],
            Table = entry.Table is null ? like.Table : [.. Rows(entry.Table, wrong)],
        };
        // Steps that could not be read are told of already.
        wrong.AddRange(ScenarioRules.Violations(scenario)
            .Where(v => v.Path != "steps" || entry.Steps is not { Count: > 0 }));
        return wrong.Count == 0 ? scenario : throw new FormatException(string.Join('\n', wrong
            .Select(v => (Line: Lines.Of(yaml, v.Path), v.What))
            .OrderBy(v => v.Line)
            .Select(v => $"{where}, line {v.Line}: {v.What}.")));
    }

    static Scenario Like(Entry entry, List<Violation> wrong)
    {
        if (entry.Like.Length == 0) return new Scenario();
        if (Shipped.Contains(entry.Like)) return Read(entry.Like);
        wrong.Add(new Violation("like",
            $"'{entry.Like}' is none of the scenarios that come with the program: {string.Join(", ", Shipped)}"));
        return new Scenario();
    }

    static IEnumerable<TableRow> Rows(IReadOnlyList<Dictionary<string, string>?> rows, List<Violation> wrong)
    {
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i] is { Count: 1 } row) yield return new TableRow(row.Keys.Single(), row.Values.Single());
            else wrong.Add(new Violation($"table.{i}", $"row {i + 1} of the table must be WORDS: FIGURE"));
        }
    }

    static IEnumerable<Step> Named(IReadOnlyList<StepEntry?> entries, List<Violation> wrong)
    {
        var all = typeof(StepEntry).GetProperties();
        for (var i = 0; i < entries.Count; i++)
        {
            var kinds = all.Where(p => entries[i] is { } entry && p.GetValue(entry) is Step).ToList();
            if (kinds.Count != 1)
            {
                wrong.Add(new Violation($"steps.{i}", $"step {i + 1} must be one thing, and is {kinds.Count}; one of "
                    + string.Join(", ", all.Select(p => Underscored(p.Name)))));
                continue;
            }
            var step = (Step)kinds[0].GetValue(entries[i])!;
            yield return step with { Index = i, Name = step.Name.Length > 0 ? step.Name : Underscored(kinds[0].Name) };
        }
    }

    static IEnumerable<Threshold> Thresholds(IReadOnlyList<string?> texts, List<Violation> wrong)
    {
        for (var i = 0; i < texts.Count; i++)
        {
            Threshold? threshold = null;
            try
            {
                threshold = Threshold.Parse(texts[i] ?? "");
            }
            catch (FormatException e)
            {
                wrong.Add(new Violation($"thresholds.{i}", e.Message));
            }
            if (threshold is not null) yield return threshold;
        }
    }

    static string Underscored(string name) => UnderscoredNamingConvention.Instance.Apply(name);

    static IDeserializer Deserializer() => new DeserializerBuilder()
        .WithNamingConvention(UnderscoredNamingConvention.Instance)
        .WithTypeConverter(new Durations())
        .WithDuplicateKeyChecking()
        .WithEnforceNullability()
        .Build();

    /// <summary>
    /// The file's shape. What it does not say is as in the shipped scenario that <c>like</c> names, each key whole; or
    /// as <see cref="Scenario"/> has it.
    /// </summary>
    sealed class Entry
    {
        public string Name { get; init; } = "";
        public string About { get; init; } = "";
        public string Like { get; init; } = "";
        public FleetShape? Fleet { get; init; }
        public HostShape? Host { get; init; }
        public int? Projects { get; init; }
        public ProbeShape? Probes { get; init; }
        public List<StepEntry>? Steps { get; init; }
        public List<string>? Thresholds { get; init; }
        public List<Dictionary<string, string>>? Table { get; init; }
    }

    /// <summary>A mapping with one key: what to do.</summary>
    sealed class StepEntry
    {
        public CreateStep? Create { get; init; }
        public ChurnStep? Churn { get; init; }
        public DeleteStep? Delete { get; init; }
        public QuietStep? Quiet { get; init; }
        public ArriveStep? Arrive { get; init; }
        public RestartHostStep? RestartHost { get; init; }
        public ReconnectStep? Reconnect { get; init; }
        public LoseRacksStep? LoseRacks { get; init; }
        public UpgradeStep? Upgrade { get; init; }
        public SlowDatabaseStep? SlowDatabase { get; init; }
        public ChangeGroupStep? ChangeGroup { get; init; }
    }
}
