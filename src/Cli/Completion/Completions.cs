using System.CommandLine;
using System.CommandLine.Completions;
using System.Text;

namespace Monolith.Cli.Completion;

/// <summary>What could stand where the cursor is.</summary>
internal static class Completions
{
    /// <param name="root">The command tree.</param>
    /// <param name="names">Those that the tree's options and arguments ask names of.</param>
    /// <param name="words">The words so far; the last is the one to complete and may be empty.</param>
    /// <param name="cancel">Gives up what the host has not said yet.</param>
    public static async Task<IReadOnlyList<string>> OfAsync(
        RootCommand root, LiveNames names, IReadOnlyList<string> words, CancellationToken cancel)
    {
        var last = words.Count > 0 ? words[^1] : "";
        var text = new StringBuilder();
        foreach (var word in words.SkipLast(1))
            text.Append(Quoted(word)).Append(' ');
        text.Append(last);
        var line = text.ToString();
        // The library's are lazy: gathered first, for only then is it known which names are wanted.
        var known = Items(root, line).Select(item => item.InsertText ?? item.Label).ToList();
        return [.. known.Concat(await names.TakeAsync(cancel))
            .Where(word => word.StartsWith(last, StringComparison.Ordinal))
            // Where only an option could follow an empty word, the shell offers its files.
            .Where(word => last.Length > 0 || !word.StartsWith('-'))
            // `-` alone asks for options, of which only the long ones explain themselves.
            .Where(word => word is not ("-?" or "/?" or "/h"))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];
    }

    static IEnumerable<CompletionItem> Items(RootCommand root, string line)
    {
        try
        {
            return root.Parse(line, App.Parsing).GetCompletions(line.Length);
        }
        // The library fails on some lines that make no sense, such as one with an open quote.
        catch (InvalidOperationException)
        {
            return [];
        }
    }

    static string Quoted(string word) =>
        word.Length == 0 || word.Any(char.IsWhiteSpace)
            ? $"\"{word.Replace("\"", "", StringComparison.Ordinal)}\""
            : word;
}
