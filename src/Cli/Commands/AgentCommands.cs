using System.CommandLine;
using Monolith.Cli.Native;
using Monolith.Cli.Session;

namespace Monolith.Cli.Commands;

/// <summary>
/// <c>agent join</c>: becomes the agent's own command, so that one name serves people on every machine.
/// </summary>
internal static class AgentCommands
{
    const string Agent = "monolith-agent";

    public static Command Of(App app)
    {
        var command = new Command("agent", "The agent on this machine.");
        command.Subcommands.Add(Join(app));
        return command;
    }

    static Command Join(App app)
    {
        var command = new Command("join", "Join this machine to a cloud, with a token from `monolith node token`.");
        var host = new Option<string>("--host")
        {
            Description = "The host's TLS endpoint.",
            Required = true,
            HelpName = "HOST:PORT",
        };
        // Hides the global --token, which is a caller's: this one is a machine's.
        var token = new Option<string>("--token")
        {
            Description = "The join token.",
            Required = true,
            HelpName = "TOKEN",
        };
        var state = new Option<string?>("--state")
        {
            Description = "Where the agent keeps its state.",
            HelpName = "DIR",
        };
        command.Options.Add(host);
        command.Options.Add(token);
        command.Options.Add(state);
        return app.DoesLocally(command, (line, _) =>
        {
            string[] arguments = ["join", "--host", line.GetValue(host)!, "--token", line.GetValue(token)!];
            if (line.GetValue(state) is { } directory)
                arguments = [.. arguments, "--state", directory];
            var beside = Path.Combine(AppContext.BaseDirectory, Agent);
            return Task.FromResult(Exec.Replace(File.Exists(beside) ? beside : Agent, arguments,
                $"Install the package `{Agent}`, or put the binary {Agent} beside `monolith` or in PATH."));
        });
    }
}
