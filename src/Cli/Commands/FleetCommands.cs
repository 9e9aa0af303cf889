using System.CommandLine;
using Monolith.Cli.Native;
using Monolith.Cli.Session;

namespace Monolith.Cli.Commands;

/// <summary>
/// <c>fleet</c>: becomes the program that emulates a fleet, which has commands and options of its own.
/// </summary>
internal static class FleetCommands
{
    const string Name = "fleet", Program = "monolith-fleet";

    /// <summary>
    /// The command line with all that follows <c>fleet</c> as it is: options are the program's, also those that this
    /// one has under the same name, such as <c>--help</c>.
    /// </summary>
    public static IReadOnlyList<string> Shield(IReadOnlyList<string> arguments) =>
        arguments is [Name, ..] ? [Name, "--", .. arguments.Skip(1)] : arguments;

    public static Command Of(App app)
    {
        var command = new Command(Name, "Rehearse a fleet: thousands of emulated nodes, and a load for their host.");
        var rest = new Argument<string[]>("ARGS")
        {
            Description = "list, show SCENARIO, run SCENARIO; see `monolith fleet --help`.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        command.Arguments.Add(rest);
        return app.DoesLocally(command, (line, _) =>
        {
            var beside = Path.Combine(AppContext.BaseDirectory, Program);
            return Task.FromResult(Exec.Replace(File.Exists(beside) ? beside : Program, line.GetValue(rest)!,
                $"Put the program {Program} beside `monolith` or in PATH."));
        });
    }
}
