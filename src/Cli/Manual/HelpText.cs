using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Monolith.Cli.Session;

namespace Monolith.Cli.Manual;

/// <summary>
/// A command's help: what it does, how it is written, its own options, and examples. The options that every command
/// takes are in the help of <c>monolith</c> alone, so that a command's own are not lost among them.
/// </summary>
internal sealed class HelpText(Surroundings around) : SynchronousCommandLineAction
{
    const int WidestTerm = 30;

    public override bool Terminating => true;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult line)
    {
        foreach (var text in Lines(line.CommandResult.Command))
            around.Out.WriteLine(text);
        return ExitCode.Done;
    }

    public IEnumerable<string> Lines(Command command)
    {
        var root = command is RootCommand;
        var path = App.Path(command);
        var subcommands = command.Subcommands.Where(sub => !sub.Hidden).ToList();
        var options = command.Options.Where(option => !option.Hidden && option is not (HelpOption or VersionOption));

        yield return command.Description ?? "";
        yield return "";
        yield return $"  {Usage(command, path)}";
        foreach (var line in Section("", command.Arguments.Select(one => (Word(one), one.Description ?? ""))))
            yield return line;
        foreach (var line in Section("Commands:", subcommands.Select(sub => (sub.Name, sub.Description ?? ""))))
            yield return line;
        foreach (var line in Section(root ? "Options of every command:" : "Options:", options.Select(Described)))
            yield return line;
        var examples = Examples.Of(path);
        if (examples.Count > 0)
        {
            yield return "";
            yield return around.Ink.Bold("Examples:");
            foreach (var example in examples)
                yield return $"  {example}";
        }
        if (root)
        {
            yield return "";
            yield return ExitCode.Explained;
            yield break;
        }
        yield return "";
        if (command.Aliases.Count > 0)
            yield return $"Also written: {string.Join(", ", command.Aliases)}.";
        yield return "`monolith --help` shows the options of every command: --project, --output, --timeout and others.";
    }

    static string Usage(Command command, string path)
    {
        if (command.Subcommands.Any(sub => !sub.Hidden))
            return $"{path} COMMAND";
        var parts = command.Arguments.Select(argument => argument.Arity.MinimumNumberOfValues == 0
                ? $"[{Word(argument)}]"
                : Word(argument))
            .Concat(command.Options.Where(option => option.Required)
                .Select(option => $"{option.Name} {option.HelpName ?? "VALUE"}"))
            .Prepend(path);
        var optional = command.Options.Any(option => !option.Required && !option.Hidden);
        return string.Join(' ', parts) + (optional ? " [OPTIONS]" : "");
    }

    static string Word(Argument argument) =>
        argument.Arity.MaximumNumberOfValues > 1 ? $"{argument.Name}..." : argument.Name;

    static (string Term, string Text) Described(Option option)
    {
        var names = option.Aliases.Where(alias => alias.StartsWith('-')).Append(option.Name);
        // The short form first, as in the manual of any other command.
        var term = string.Join(", ", names.OrderBy(name => name.Length));
        if (option.Arity.MaximumNumberOfValues > 0 && option.HelpName is { } value)
            term += $" {value}";
        return (term, option.Description + (option.Required ? " Required." : ""));
    }

    IEnumerable<string> Section(string title, IEnumerable<(string Term, string Text)> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0)
            yield break;
        yield return "";
        if (title.Length > 0)
            yield return around.Ink.Bold(title);
        var width = all.Select(row => row.Term.Length).Where(length => length <= WidestTerm).DefaultIfEmpty(0).Max();
        var indent = new string(' ', width + 4);
        foreach (var (term, text) in all)
        {
            var lines = Wrap(text, Math.Max(around.Width - indent.Length, 30));
            if (term.Length > width)
            {
                yield return $"  {term}";
                foreach (var line in lines)
                    yield return indent + line;
                continue;
            }
            yield return $"  {term.PadRight(width)}  {(lines.Count > 0 ? lines[0] : "")}".TrimEnd();
            foreach (var line in lines.Skip(1))
                yield return indent + line;
        }
    }

    /// <summary>Breaks a text between words, so that no line is wider than this where words allow it.</summary>
    internal static IReadOnlyList<string> Wrap(string text, int width)
    {
        var lines = new List<string>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (lines.Count > 0 && lines[^1].Length + 1 + word.Length <= width)
                lines[^1] += $" {word}";
            else
                lines.Add(word);
        return lines;
    }
}
