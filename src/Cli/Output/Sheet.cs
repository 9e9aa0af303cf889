using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Monolith.Api.V1;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Output;

/// <summary>
/// One resource in full, for reading: a line for each field that is set, then its conditions and lists.
/// </summary>
internal static class Sheet
{
    public static IEnumerable<string> Lines(Noun noun, IMessage resource, DateTimeOffset now, Ink ink)
    {
        var fields = resource.Descriptor.Fields.InDeclarationOrder();
        var plain = fields.Where(IsLine)
            .Select(field => (field.Name, Text: Text(field, resource, now)))
            .Where(pair => pair.Text.Length > 0)
            .ToList();
        var width = plain.Max(pair => (int?)pair.Name.Length) ?? 0;
        foreach (var (name, text) in plain)
            yield return $"{ink.Dim((name + ":").PadRight(width + 1))}  {(name == "state" ? ink.State(text) : text)}";

        foreach (var field in fields.Where(field => !IsLine(field)))
        {
            var items = Api.Messages.Many<IMessage>(resource, field.Name).ToList();
            var (columns, rows) = Filled(
                items.FirstOrDefault() is Condition ? Conditions : ColumnsOf(field.MessageType, noun.Hidden), items, now);
            if (rows.Count == 0)
                continue;
            yield return "";
            yield return ink.Dim(field.Name + ":");
            foreach (var line in Table.Lines(columns, rows, ink))
                yield return "  " + line;
        }
    }

    /// <summary>A message in a few words: the fields that are set, as <c>name=value</c>.</summary>
    public static string Brief(IMessage message) => string.Join(" ", message.Descriptor.Fields.InDeclarationOrder()
        .Select(field => (field.Name, Text: Text(field, message, DateTimeOffset.MinValue)))
        .Where(pair => pair.Text.Length > 0)
        .Select(pair => $"{pair.Name}={pair.Text}"));

    // Neither a row nor a column without a word in it tells anybody anything.
    static (IReadOnlyList<Column> Columns, IReadOnlyList<string[]> Rows) Filled(
        IReadOnlyList<Column> columns, IReadOnlyList<IMessage> items, DateTimeOffset now)
    {
        var rows = Table.Rows(columns, items, new View(now, null))
            .Where(row => row.Any(cell => cell.Length > 0)).ToList();
        var kept = Enumerable.Range(0, columns.Count).Where(at => rows.Any(row => row[at].Length > 0)).ToList();
        return ([.. kept.Select(at => columns[at])], [.. rows.Select(row => kept.Select(at => row[at]).ToArray())]);
    }

    static readonly IReadOnlyList<Column> Conditions =
    [
        Column.Of("STEP", "type"),
        Column.Enum("STATUS", "status") with { IsState = true },
        new("SINCE", (message, view) =>
            Api.Messages.Time(message, "since") is { } since ? Column.Ago(view.Now - since) : ""),
        Column.Of("REASON", "reason"),
        Column.Of("MESSAGE", "message"),
    ];

    static bool IsLine(FieldDescriptor field) =>
        !(field.IsRepeated && !field.IsMap && field.FieldType == FieldType.Message);

    static IReadOnlyList<Column> ColumnsOf(MessageDescriptor item, IReadOnlyList<string> hidden) =>
    [
        .. item.Fields.InDeclarationOrder()
            .Where(field => !hidden.Contains(field.Name))
            .Select(field => new Column(
                field.Name.ToUpperInvariant().Replace('_', ' '), (message, view) => Text(field, message, view.Now))
            {
                IsState = field.FieldType == FieldType.Enum,
            }),
    ];

    static string Text(FieldDescriptor field, IMessage message, DateTimeOffset now)
    {
        if (field.HasPresence && !field.Accessor.HasValue(message))
            return "";
        if (field is { FieldType: FieldType.Enum, IsRepeated: false })
            return Api.Messages.Enum(message, field.Name);
        return field.Accessor.GetValue(message) switch
        {
            string text => text,
            true => "yes",
            false => "",
            Timestamp time =>
                time.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)
                + (time.ToDateTimeOffset() > now && now > DateTimeOffset.MinValue
                    ? $" (in {Column.Ago(time.ToDateTimeOffset() - now)})"
                    : $" ({Column.Ago(now - time.ToDateTimeOffset())} ago)"),
            Duration span => span.ToTimeSpan().TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + "s",
            ByteString bytes => bytes.Length == 0 ? "" : Column.Size(bytes.Length),
            MapField<string, string> map => string.Join(", ", map.Select(pair => $"{pair.Key}={pair.Value}")),
            IEnumerable<string> many => string.Join(", ", many),
            IMessage inner => Brief(inner),
            System.Collections.IEnumerable items => string.Join("; ", items.OfType<IMessage>().Select(Brief)),
            IFormattable number when number.ToString(null, CultureInfo.InvariantCulture) is not "0" and var digits =>
                digits,
            _ => "",
        };
    }
}
