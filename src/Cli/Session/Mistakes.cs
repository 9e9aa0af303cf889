using System.CommandLine;
using System.CommandLine.Parsing;

namespace Monolith.Cli.Session;

/// <summary>Says what is wrong with a command line, in the words of the command rather than the parser's.</summary>
internal static class Mistakes
{
    public static IEnumerable<string> In(ParseResult line)
    {
        var command = line.CommandResult.Command;
        var known = command.Subcommands.Where(sub => !sub.Hidden).ToList();
        // Where a command is to follow, the parser complains of each word that is left.
        if (known.Count > 0 && line.Errors.Any(error => error.SymbolResult is CommandResult))
        {
            var list = string.Join(", ", known.Select(sub => sub.Name));
            var wrong = line.UnmatchedTokens.Count > 0 ? line.UnmatchedTokens[0] : null;
            if (wrong is null || wrong.StartsWith('-'))
                yield return $"`{App.Path(command)}` wants a command: {list}.";
            else if (Nearest(wrong, known.SelectMany(sub => sub.Aliases.Append(sub.Name))) is { } near)
                yield return $"There is no `{App.Path(command)} {wrong}`. Did you mean `{App.Path(command)} {near}`?";
            else
                yield return $"There is no `{App.Path(command)} {wrong}`. There are: {list}.";
            if (wrong is null || !wrong.StartsWith('-'))
                yield break;
        }
        foreach (var message in line.Errors.Select(error => Words(error, command)).Distinct())
            yield return message;
    }

    static string Words(ParseError error, Command command)
    {
        if (error.SymbolResult is ArgumentResult { Tokens.Count: 0, Argument: var argument }
            && error.Message.StartsWith("Required argument", StringComparison.Ordinal))
            return $"{argument.Name} is missing. {argument.Description}";
        if (error.SymbolResult is CommandResult && error.Message.StartsWith("Required argument", StringComparison.Ordinal)
            && command.Arguments.FirstOrDefault(one => one.Arity.MinimumNumberOfValues > 0) is { } first)
            return $"{first.Name} is missing. {first.Description}";
        return error.Message;
    }

    /// <summary>The word that differs by two letters at most; null when none does.</summary>
    public static string? Nearest(string wrong, IEnumerable<string> words) => words
        .Select(word => (Word: word, Distance: Distance(wrong, word)))
        .Where(pair => pair.Distance <= 2 && pair.Distance < pair.Word.Length)
        .OrderBy(pair => pair.Distance).ThenBy(pair => pair.Word, StringComparer.Ordinal)
        .Select(pair => pair.Word).FirstOrDefault();

    // Levenshtein's, one row at a time.
    static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(
                    Math.Min(row[j], row[j - 1]) + 1, diagonal + (one[i - 1] == other[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }
}
