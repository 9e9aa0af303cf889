using System.CommandLine;
using Monolith.Cli.Completion;
using Monolith.Cli.Session;

namespace Monolith.Cli.Commands;

/// <summary><c>completion SHELL</c> prints a script; the script asks <c>complete</c> what could come next.</summary>
internal static class CompletionCommands
{
    public static Command Script(App app)
    {
        var command = new Command(
            "completion", "Print a shell's completion script: source <(monolith completion bash).");
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        command.Arguments.Add(shell);
        return app.DoesLocally(command, (line, _) =>
        {
            app.Around.Out.Write(Scripts.Of(line.GetValue(shell)!));
            return Task.FromResult(ExitCode.Done);
        });
    }

    public static Command Complete(App app)
    {
        var command = new Command("complete", "What could come next.") { Hidden = true };
        var words = new Argument<string[]>("WORDS")
        {
            Description = "After --: the words after `monolith`; the last one is completed.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        command.Arguments.Add(words);
        return app.DoesLocally(command, async (line, cancel) =>
        {
            foreach (var word in await Completions.OfAsync(app.Root, app.Names, line.GetValue(words) ?? [], cancel))
                app.Around.Out.WriteLine(word);
            return ExitCode.Done;
        });
    }
}
