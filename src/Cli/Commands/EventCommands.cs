using System.CommandLine;
using System.Globalization;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Events.V1;

namespace Monolith.Cli.Commands;

/// <summary>The event log: <c>event list</c> and <c>event watch</c>, of one project or of the whole cloud.</summary>
internal static class EventCommands
{
    static readonly IReadOnlyList<Column> Columns =
    [
        Column.Number("SEQ", "sequence"), Column.Time("TIME", "time"), Column.Of("TYPE", "type"),
        Column.Of("RESOURCE", "resource"), Column.Of("ACTOR", "actor"),
    ];

    static readonly Option<bool> Cloud = new("--all-projects", "-A") { Description = "Of the whole cloud." };

    static readonly Option<long> After = new("--after")
    {
        Description = "After this sequence number; 0 for all that is kept. Default: only new ones.",
        HelpName = "N",
        DefaultValueFactory = _ => -1,
    };

    public static Command Of(App app)
    {
        var command = new Command("event", "What happened, in one order.");
        command.Aliases.Add("events");
        command.Subcommands.Add(ListCommand(app));
        command.Subcommands.Add(WatchCommand(app));
        return command;
    }

    static async Task<string> ParentAsync(Run run) =>
        run.Line.GetValue(Cloud) ? "" : $"projects/{await run.ProjectAsync()}";

    static Command ListCommand(App app)
    {
        var command = new Command("list", "List events, newest last.");
        command.Aliases.Add("ls");
        foreach (var option in new Option[] { List.Filter, List.Limit, Cloud })
            command.Options.Add(option);
        return app.Does(command, async run =>
        {
            var method = EventService.Descriptor.FindMethodByName("ListEvents");
            var (events, all) = await List.PagesAsync(run, method, await ParentAsync(run));
            switch (run.Settings.Output)
            {
                case OutputFormat.Json:
                    run.Around.Out.WriteLine(Printer.Json(all));
                    break;
                case OutputFormat.Yaml:
                    run.Around.Out.Write(Printer.Yaml(all));
                    break;
                case OutputFormat.Name:
                    foreach (var one in events.Cast<Event>())
                        run.Around.Out.WriteLine(one.Resource);
                    break;
                default:
                    foreach (var line in Table.Lines(Columns, events, default, run.Around.Ink))
                        run.Around.Out.WriteLine(line);
                    break;
            }
            return ExitCode.Done;
        });
    }

    static Command WatchCommand(App app)
    {
        var command = new Command("watch", "Follow events until interrupted; a broken connection is resumed.");
        foreach (var option in new Option[] { List.Filter, After, Cloud })
            command.Options.Add(option);
        return app.Does(command, async run =>
        {
            var method = EventService.Descriptor.FindMethodByName("WatchEvents");
            var request = new WatchEventsRequest
            {
                Parent = await ParentAsync(run),
                AfterSequence = run.Line.GetValue(After),
                Filter = run.Line.GetValue(List.Filter) ?? "",
            };
            return await Verbs.Watch.ForAsync(run, cancel => FollowAsync(run, method, request, cancel));
        });
    }

    static async Task FollowAsync(
        Run run, MethodDescriptor method, WatchEventsRequest request, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                await foreach (var message in run.Calls.StreamAsync(method, request, cancel))
                {
                    var one = (Event)message;
                    request.AfterSequence = one.Sequence;
                    Write(run, one);
                }
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable && request.AfterSequence >= 0)
            {
            }
            await Task.Delay(TimeSpan.FromMilliseconds(500), run.Around.Time, cancel);
        }
    }

    static void Write(Run run, Event one)
    {
        switch (run.Settings.Output)
        {
            case OutputFormat.Json:
                run.Around.Out.WriteLine(Printer.JsonLine(one));
                break;
            case OutputFormat.Yaml:
                run.Around.Out.Write($"---\n{Printer.Yaml(one)}");
                break;
            case OutputFormat.Name:
                run.Around.Out.WriteLine(one.Resource);
                break;
            default:
                var time = one.Time?.ToDateTimeOffset().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
                run.Around.Out.WriteLine(
                    $"{one.Sequence,8}  {time,12}  {one.Type}  {one.Resource}  {run.Around.Ink.Dim(one.Actor)}");
                break;
        }
        run.Around.Out.Flush();
    }
}
