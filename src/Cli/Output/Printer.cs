using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;
using Monolith.Events.V1;
using Monolith.Protos;

namespace Monolith.Cli.Output;

/// <summary>Writes resources in the format that was asked for.</summary>
internal static class Printer
{
    // Events carry resources of every module in an Any.
    static readonly TypeRegistry Types = TypeRegistry.FromFiles([.. Descriptors.MakeAll(), WrappersReflection.Descriptor]);
    static readonly JsonFormatter Indented =
        new(new JsonFormatter.Settings(formatDefaultValues: false, Types).WithIndentation());
    static readonly JsonFormatter Compact = new(new JsonFormatter.Settings(formatDefaultValues: false, Types));

    public static string Json(IMessage message) => Indented.Format(Legible(message));

    public static string JsonLine(IMessage message) => Compact.Format(Legible(message));

    public static string Yaml(IMessage message) => Output.Yaml.Of(JsonLine(message));

    /// <summary>A newer host's events may carry what this command does not know: that is said, and the rest is shown.</summary>
    static IMessage Legible(IMessage message)
    {
        IEnumerable<Event> events = message switch { Event one => [one], ListEventsResponse all => all.Events, _ => [] };
        foreach (var one in events)
            if (one.Data is { } data && Types.Find(Any.GetTypeName(data.TypeUrl)) is null)
                one.Data = Any.Pack(new StringValue { Value = $"{data.TypeUrl}: newer than this command; upgrade it to see it." });
        return message;
    }

    /// <summary>Writes one resource.</summary>
    public static void Write(Run run, Noun noun, IMessage resource) =>
        Write(run, resource, () => Write(run, noun.Columns, [resource]), () => NameOf(resource));

    /// <summary>Writes an answer that is no table.</summary>
    /// <param name="people">How people see it.</param>
    /// <param name="name">What it is called; null: as people see it.</param>
    public static void Write(Run run, IMessage answer, Action people, Func<string>? name = null)
    {
        switch (run.Settings.Output)
        {
            case OutputFormat.Json:
                run.Around.Out.WriteLine(Json(answer));
                break;
            case OutputFormat.Yaml:
                run.Around.Out.Write(Yaml(answer));
                break;
            case OutputFormat.Name when name is not null:
                run.Around.Out.WriteLine(name());
                break;
            default:
                people();
                break;
        }
    }

    /// <summary>What a person should know besides, when there is something. In the other formats it is part of the resource.
    /// </summary>
    public static void Warn(Run run, string warning)
    {
        if (warning.Length > 0 && run.Settings.Output == OutputFormat.Table)
            run.Around.Error.WriteLine($"warning: {warning}");
    }

    /// <summary>Writes a list: <paramref name="all"/> is the list's response with every page in it.</summary>
    public static void Write(Run run, Noun noun, IReadOnlyList<IMessage> resources, IMessage all)
    {
        Write(run, noun.Columns, resources, all);
        // Beside the table, not in it: a script that counts lines counts none.
        if (resources.Count == 0 && run.Settings.Output is not (OutputFormat.Json or OutputFormat.Yaml or OutputFormat.Name)
            && run.Around.Interactive)
            run.Around.Error.WriteLine($"There are no {noun.SpokenSeveral} here; `monolith {noun.Word} --help`.");
    }

    /// <summary>As above, of what is no noun.</summary>
    public static void Write(Run run, IReadOnlyList<Column> columns, IReadOnlyList<IMessage> rows, IMessage all)
    {
        switch (run.Settings.Output)
        {
            case OutputFormat.Json:
                run.Around.Out.WriteLine(Json(all));
                break;
            case OutputFormat.Yaml:
                run.Around.Out.Write(Yaml(all));
                break;
            case OutputFormat.Name:
                foreach (var row in rows)
                    run.Around.Out.WriteLine(NameOf(row));
                break;
            default:
                Write(run, columns, rows);
                break;
        }
    }

    static void Write(Run run, IReadOnlyList<Column> columns, IReadOnlyList<IMessage> resources)
    {
        var project = run.Settings.Project is { } given ? Names.Id(given) : run.KnownProject;
        var view = new View(run.Around.Time.GetUtcNow(), project);
        foreach (var line in Table.Lines(columns, resources, view, run.Around.Ink))
            run.Around.Out.WriteLine(line);
    }

    static string NameOf(IMessage resource) => Api.Messages.Text(resource, "name");
}
