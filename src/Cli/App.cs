using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using Grpc.Core;
using Monolith.Cli.Commands;
using Monolith.Cli.Completion;
using Monolith.Cli.Manual;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;

namespace Monolith.Cli;

/// <summary>The command tree, and the one place where a command's outcome becomes text and an exit code.</summary>
internal sealed class App
{
    public App(Surroundings around)
    {
        Around = around;
        Names = new LiveNames(around);
        Root = new RootCommand("The command of a Monolith cloud, for people and scripts.");
        Root.Options.OfType<HelpOption>().Single().Action = new HelpText(around);
        Globals.AddTo(Root);
        foreach (var noun in Catalog.All)
            Root.Subcommands.Add(NounCommand.Of(noun, this));
        foreach (var command in new[]
        {
            QuotaCommands.Of(this), AccessCommands.Of(this), AddressCommands.Of(this), EventCommands.Of(this), AuditCommands.Of(this), AgentCommands.Of(this), FleetCommands.Of(this),
            LoginCommands.Login(this), LoginCommands.Logout(this),
            ConfigCommands.Of(this), CompletionCommands.Script(this), CompletionCommands.Complete(this),
            SshCommand.Of(this), LoginAuthorityCommand.Of(this), VersionCommand.Of(this),
        })
            Root.Subcommands.Add(command);
    }

    public RootCommand Root { get; }

    /// <summary>`@` names a zone's own records here, and never a file with more arguments.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    public Surroundings Around { get; }

    public LiveNames Names { get; }

    /// <summary>Completions of the names of resources that exist.</summary>
    public Func<CompletionContext, IEnumerable<CompletionItem>> NamesOf(
        Func<Noun> noun, Func<Google.Protobuf.IMessage, string>? also = null) => Names.Of(noun, also);

    /// <summary>Gives a command its action: a run with a connection.</summary>
    public Command Does(Command command, Func<Run, Task<int>> action)
    {
        command.SetAction((line, cancel) => GuardAsync(line, async () =>
        {
            using var run = new Run(line, Around, cancel);
            return await action(run);
        }, cancel));
        return command;
    }

    /// <summary>Gives a command an action that needs no host.</summary>
    public Command DoesLocally(Command command, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        command.SetAction((line, cancel) => GuardAsync(line, () => action(line, cancel), cancel));
        return command;
    }

    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancel = default)
    {
        var line = Root.Parse(FleetCommands.Shield(arguments), Parsing);
        if (line.Errors.Count > 0 && line.Action is not HelpText)
        {
            foreach (var mistake in Mistakes.In(line))
                Around.Error.WriteLine($"{Around.ErrorInk.Red("error:")} {mistake}");
            Around.Error.WriteLine($"Try `{Path(line.CommandResult.Command)} --help`.");
            return ExitCode.Usage;
        }
        return await line.InvokeAsync(
            new InvocationConfiguration
            {
                Output = Around.Out,
                Error = Around.Error,
                EnableDefaultExceptionHandler = false,
            },
            cancel);
    }

    /// <summary>A command as it is typed: <c>monolith server create</c>.</summary>
    public static string Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent
            ? $"{Path(parent)} {command.Name}"
            : "monolith";

    async Task<int> GuardAsync(ParseResult line, Func<Task<int>> action, CancellationToken cancel)
    {
        using var export = Traces.Export(Around);
        using var trace = Traces.Begin(line.CommandResult.Command);
        try
        {
            return await action();
        }
        catch (UsageException error)
        {
            Around.Error.WriteLine($"{Around.ErrorInk.Red("error:")} {error.Message}");
            if (error.Hint is not null)
                Around.Error.WriteLine(error.Hint);
            return ExitCode.Usage;
        }
        catch (WaitException error)
        {
            Around.Error.WriteLine($"{Around.ErrorInk.Red("error:")} {error.Message}");
            return error.ExitCode;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return Interrupted();
        }
        catch (RpcException error)
        {
            if (cancel.IsCancellationRequested)
                return Interrupted();
            var settings = Globals.Settle(line, Around);
            foreach (var text in Failure.Describe(error, settings, Around.ErrorInk, line.CommandResult.Command))
                Around.Error.WriteLine(text);
            return ExitCode.Of(Failure.CodeOf(error));
        }
    }

    int Interrupted()
    {
        Around.Error.WriteLine("Interrupted. What was asked for before goes on in the cloud.");
        return ExitCode.Interrupted;
    }
}
