using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Api.V1;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Waiting;

namespace Monolith.Cli.Verbs;

/// <summary><c>watch [NAME]</c>: what exists, then every change, until interrupted.</summary>
internal static class Watch
{
    static readonly Option<bool> OnlyNew = new("--only-new")
    {
        Description = "Leave out what exists already.",
    };

    public static Command Of(Noun noun, App app)
    {
        var command = new Command("watch", $"Follow the changes of {noun.SpokenSeveral}, until interrupted or for --timeout.");
        var name = NounCommand.Name(noun, app);
        name.Arity = ArgumentArity.ZeroOrOne;
        command.Arguments.Add(name);
        command.Options.Add(OnlyNew);
        Parents.AddTo(command, noun.Place);
        return app.Does(command, async run =>
        {
            var only = run.Line.GetValue(name) is { } text ? await run.ExpandAsync(noun, text) : null;
            var parent = only is null ? await run.ParentAsync(noun) : string.Join('/', only.Split('/')[..^2]);
            var inSync = false;
            return await ForAsync(run, async cancel =>
            {
                await foreach (var change in Changes.FollowAsync(run, noun, parent, only, cancel))
                {
                    inSync |= change.Type == ChangeType.InSync;
                    if (change.Resource is { } resource && (inSync || !run.Line.GetValue(OnlyNew)))
                        Write(run, noun, change.Type, resource);
                }
            });
        });
    }

    /// <summary>Follows for as long as --timeout says, where it is given: then the end of that time is no failure.</summary>
    public static async Task<int> ForAsync(Run run, Func<CancellationToken, Task> follow)
    {
        var given = run.Line.GetResult(Globals.Timeout) is { Implicit: false };
        using var limit = new CancellationTokenSource(
            given ? run.Settings.Timeout : Timeout.InfiniteTimeSpan, run.Around.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(run.Cancel, limit.Token);
        try
        {
            await follow(either.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled }
            && limit.IsCancellationRequested && !run.Cancel.IsCancellationRequested)
        {
        }
        return ExitCode.Done;
    }

    static void Write(Run run, Noun noun, ChangeType type, IMessage resource)
    {
        var text = Messages.Snake(type.ToString()).ToUpperInvariant();
        switch (run.Settings.Output)
        {
            case OutputFormat.Json:
                run.Around.Out.WriteLine(
                    $"{{ \"change\": \"{text}\", \"{noun.Snake}\": {Printer.JsonLine(resource)} }}");
                break;
            case OutputFormat.Yaml:
                run.Around.Out.Write($"---\n# {text}\n{Printer.Yaml(resource)}");
                break;
            case OutputFormat.Name:
                run.Around.Out.WriteLine(Messages.Text(resource, "name"));
                break;
            default:
                var now = run.Around.Time.GetUtcNow();
                var view = new View(now, run.Settings.Project is { } given ? Names.Id(given) : run.KnownProject);
                var cells = noun.Columns.Where(column => column.Title != "AGE")
                    .Select(column => column.IsState
                        ? run.Around.Ink.State(column.Text(resource, view))
                        : column.Text(resource, view))
                    .Where(cell => cell.Length > 0);
                var clock = now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
                run.Around.Out.WriteLine($"{clock}  {text,-8}  {string.Join("  ", cells)}");
                break;
        }
        run.Around.Out.Flush();
    }
}
