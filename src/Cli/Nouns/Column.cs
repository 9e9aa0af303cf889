using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Api;

namespace Monolith.Cli.Nouns;

/// <summary>What a cell is made with besides its resource.</summary>
/// <param name="Now">For ages.</param>
/// <param name="Project">The project whose name need not be repeated; null hides none.</param>
internal readonly record struct View(DateTimeOffset Now, string? Project);

/// <summary>One column of a table: a heading and how its text is made.</summary>
internal sealed record Column(string Title, Func<IMessage, View, string> Text)
{
    /// <summary>Painted as a state.</summary>
    public bool IsState { get; init; }

    public bool RightAligned { get; init; }

    public static readonly Column Name = Reference("NAME", "name");

    public static readonly Column Age =
        new("AGE", (message, view) => Messages.Time(message, "create_time") is { } time ? Ago(view.Now - time) : "");

    public static Column Of(string title, string path) => new(title, (message, _) => Plain(message, path));

    public static Column Number(string title, string path) => Of(title, path) with { RightAligned = true };

    public static Column State(string path = "state") =>
        new("STATE", (message, _) => Messages.Enum(message, path)) { IsState = true };

    public static Column Enum(string title, string path) => new(title, (message, _) => Messages.Enum(message, path));

    /// <summary>Names of resources, shortened.</summary>
    public static Column Reference(string title, string path) =>
        new(title, (message, view) => Messages.Get(message, path) switch
    {
        string name => Names.Short(name, view.Project),
        IEnumerable<string> names => string.Join(",", names.Select(name => Names.Short(name, view.Project))),
        _ => "",
    });

    public static Column Bytes(string title, string path) =>
        new(title, (message, _) => Messages.Get(message, path) is long bytes ? Size(bytes) : "")
        {
            RightAligned = true,
        };

    public static Column Time(string title, string path) => new(title, (message, _) =>
        Messages.Time(message, path)?.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "");

    static string Plain(IMessage message, string path) => Messages.Get(message, path) switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "yes" : "no",
        IEnumerable<string> many => string.Join(",", many),
        MapField<string, string> map => string.Join(",", map.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => $"{pair.Key}={pair.Value}")),
        Duration duration => duration.ToTimeSpan().TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + "s",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        var other => other.ToString() ?? "",
    };

    public static string Size(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var unit = 0;
        double size = bytes;
        while (size >= 1_024 && unit < units.Length - 1)
        {
            size /= 1_024;
            unit++;
        }
        return size.ToString(unit == 0 || size >= 100 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + units[unit];
    }

    /// <summary>An age in one unit: <c>12s</c>, <c>5m</c>, <c>3h</c>, <c>2d</c>.</summary>
    public static string Ago(TimeSpan age) => age switch
    {
        { TotalSeconds: < 0 } => "0s",
        { TotalSeconds: < 120 } => $"{(int)age.TotalSeconds}s",
        { TotalMinutes: < 120 } => $"{(int)age.TotalMinutes}m",
        { TotalHours: < 48 } => $"{(int)age.TotalHours}h",
        _ => $"{(int)age.TotalDays}d",
    };
}
