using System.Text;
using Google.Protobuf;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;

namespace Monolith.Cli.Output;

/// <summary>
/// Tables as scripts and eyes both read them: no borders, two spaces between columns, one line for each row whatever
/// the width, so that a pipe never wraps.
/// </summary>
internal static class Table
{
    public static IEnumerable<string> Lines(
        IReadOnlyList<Column> columns, IEnumerable<IMessage> resources, View view, Ink ink) =>
        Lines(columns, Rows(columns, resources, view), ink);

    public static IReadOnlyList<string[]> Rows(
        IReadOnlyList<Column> columns, IEnumerable<IMessage> resources, View view) =>
        [.. resources.Select(resource => columns.Select(column => Cell(column.Text(resource, view))).ToArray())];

    public static IEnumerable<string> Lines(IReadOnlyList<Column> columns, IReadOnlyList<string[]> rows, Ink ink)
    {
        var widths = columns.Select(
            (column, i) => Math.Max(column.Title.Length, rows.Max(row => (int?)row[i].Length) ?? 0))
            .ToArray();
        yield return ink.Bold(Line(columns, widths, [.. columns.Select(column => column.Title)], Ink.None));
        foreach (var row in rows)
            yield return Line(columns, widths, row, ink);
    }

    static string Line(IReadOnlyList<Column> columns, int[] widths, string[] cells, Ink ink)
    {
        var line = new StringBuilder();
        for (var i = 0; i < cells.Length; i++)
        {
            var space = new string(' ', widths[i] - cells[i].Length);
            var text = columns[i].IsState ? ink.State(cells[i]) : cells[i];
            line.Append(columns[i].RightAligned ? space + text : text);
            if (i == cells.Length - 1)
                break;
            if (!columns[i].RightAligned && cells.Skip(i + 1).Any(cell => cell.Length > 0))
                line.Append(space);
            line.Append("  ");
        }
        return line.ToString().TrimEnd(' ');
    }

    // A line break or an escape sequence in a label must not break the table or the terminal.
    static string Cell(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter)) : text;
}
