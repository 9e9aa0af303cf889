using System.Text;

namespace Monolith.Network.Addresses.Exchange;

/// <summary>The address book as comma-separated values (RFC 4180), one thing a line, with a heading.</summary>
internal static class CsvBook
{
    static readonly string[] Columns =
        ["kind", "value", "pool", "purpose", "availability_zone", "project", "quarantine_seconds", "announcement", "id", "note"];

    public static string Heading => string.Join(',', Columns) + "\n";

    public static string Write(BookLine line) => string.Join(',', new[]
    {
        line.Kind.ToString().ToLowerInvariant(), line.Value, line.Pool, line.Purpose, line.Zone, line.Project, line.Quarantine,
        line.Announcement, line.Id, line.Note,
    }.Select(Quote)) + "\n";

    /// <summary>Columns may stand in any order, and all but kind and value may be missing.</summary>
    public static BookFile Read(string text)
    {
        var file = new BookFile();
        string[]? heading = null;
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var content = raw.TrimEnd('\r');
            if (content.Length == 0 || content[0] == '#') continue;
            if (number > BookFile.MaxLines)
            {
                file.Wrong(number, $"is beyond the {BookFile.MaxLines} lines that are taken at once");
                break;
            }
            if (Cells(content) is not { } cells)
            {
                file.Wrong(number, "has a quote that does not end, or ends within a value");
                continue;
            }
            if (heading is null)
            {
                heading = [.. cells.Select(c => c.Trim().TrimStart('\uFEFF').ToLowerInvariant())];
                foreach (var unknown in heading.Except(Columns))
                    file.Wrong(number, $"has the column '{unknown}'; there are {string.Join(", ", Columns)}");
                foreach (var missing in Columns[..2].Except(heading)) file.Wrong(number, $"has no column '{missing}'");
                if (file.Problems.Count > 0) break;
                continue;
            }
            if (cells.Count != heading.Length)
                file.Wrong(number, $"has {cells.Count} values for {heading.Length} columns");
            else Take(file, number, column => cells.ElementAtOrDefault(Array.IndexOf(heading, column))?.Trim() ?? "");
        }
        if (heading is null) file.Wrong(1, "has no heading; write " + Heading.Trim());
        return file;
    }

    static void Take(BookFile file, int number, Func<string, string> cell)
    {
        if (!Enum.TryParse<BookKind>(cell("kind"), ignoreCase: true, out var kind) || !Enum.IsDefined(kind)
            || char.IsAsciiDigit(cell("kind")[0]))
        {
            file.Wrong(number, $"is of the kind '{cell("kind")}'; there are prefix, exclusion, reservation and address");
            return;
        }
        file.Lines.Add(new BookLine(number, kind, cell("value"))
        {
            Pool = cell("pool"),
            Purpose = cell("purpose"),
            Zone = cell("availability_zone"),
            Project = cell("project"),
            Quarantine = cell("quarantine_seconds"),
            Announcement = cell("announcement"),
            Id = cell("id"),
            Note = cell("note"),
        });
    }

    static string Quote(string value) => value.AsSpan().IndexOfAny(",\"\r\n") < 0 && value.Trim() == value
        ? value
        : '"' + value.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    static List<string>? Cells(string line)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        for (var at = 0; ;)
        {
            cell.Clear();
            if (at < line.Length && line[at] == '"')
            {
                for (at++; ; at++)
                {
                    if (at >= line.Length) return null;
                    if (line[at] != '"') cell.Append(line[at]);
                    else if (at + 1 < line.Length && line[at + 1] == '"') cell.Append(line[at++]);
                    else break;
                }
                at++;
            }
            else while (at < line.Length && line[at] != ',') cell.Append(line[at++]);
            cells.Add(cell.ToString());
            if (at >= line.Length) return cells;
            if (line[at++] != ',') return null;
        }
    }
}
