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
            if (items.Count == 0)
                continue;
            yield return "";
            yield return ink.Dim(field.Name + ":");
            var columns = items[0] is Condition ? Conditions : ColumnsOf(field.MessageType, noun.Hidden);
            foreach (var line in Table.Lines(columns, items, new View(now, null), ink))
                yield return "  " + line;
        }
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
                field.Name.ToUpperInvariant(), (message, view) => Text(field, message, view.Now))
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
                + $" ({Column.Ago(now - time.ToDateTimeOffset())} ago)",
            Duration span => span.ToTimeSpan().TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + "s",
            ByteString bytes => bytes.Length == 0 ? "" : Column.Size(bytes.Length),
            MapField<string, string> map => string.Join(", ", map.Select(pair => $"{pair.Key}={pair.Value}")),
            IEnumerable<string> many => string.Join(", ", many),
            IMessage inner => Printer.JsonLine(inner),
            System.Collections.IEnumerable items =>
                string.Join(", ", items.OfType<IMessage>().Select(Printer.JsonLine)),
            IFormattable number when number.ToString(null, CultureInfo.InvariantCulture) is not "0" and var digits =>
                digits,
            _ => "",
        };
    }
}
