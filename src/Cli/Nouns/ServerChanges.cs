using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Api;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Resize, rebuild and undelete; lock and unlock.</summary>
internal static class ServerChanges
{
    static readonly IReadOnlyList<string> Ready = ["READY"], Rested = ["READY", "STOPPED"];

    public static IEnumerable<Command> Commands(Noun noun, App app) =>
        [Resize(noun, app), Rebuild(noun, app), Undelete(noun, app), Lock(noun, app), Unlock(noun, app)];

    static Command Resize(Noun noun, App app)
    {
        var flavor = new Argument<string>("FLAVOR") { Description = "The new size; its disk is no smaller." };
        flavor.CompletionSources.Add(app.NamesOf(() => Catalog.Flavor));
        return Change(noun, app, new Command("resize", "Give a server another size. One that runs is restarted.") { flavor }, Rested,
            async (run, name) => new ResizeServerRequest
            {
                Name = name,
                Flavor = await run.ExpandAsync(Catalog.Flavor, run.Line.GetValue(flavor)!),
            });
    }

    static Command Rebuild(Noun noun, App app)
    {
        var image = new Option<string?>("--image")
        {
            Description = "The image, or family/FAMILY for a family's newest. Default: the server's.",
            HelpName = "IMAGE",
        };
        image.CompletionSources.Add(app.NamesOf(() => Catalog.Image, ImageCommands.FamilyOf));
        return Change(noun, app,
            new Command("rebuild", "Make a server anew from an image. What is on its disk is lost; its addresses stay.") { image },
            Ready, async (run, name) => new RebuildServerRequest
            {
                Name = name,
                Image = run.Line.GetValue(image) is { } text ? await ImageCommands.NameAsync(run, text) : "",
            });
    }

    static Command Undelete(Noun noun, App app) => Change(noun, app,
        new Command("undelete", "Bring back a server that was deleted, within its undelete window."), Rested,
        (_, name) => ValueTask.FromResult<IMessage>(new UndeleteServerRequest { Name = name }));

    static Command Lock(Noun noun, App app)
    {
        var why = new Argument<string>("WHY") { Description = "What others read who try to change it." };
        return Protect(noun, app, new Command("lock", "Let nothing happen to a server.") { why },
            run => run.Line.GetValue(why) is { Length: > 0 } reason
                ? reason
                : throw new UsageException("WHY is empty.", "Say what others are to read who try to change it."));
    }

    static Command Unlock(Noun noun, App app) =>
        Protect(noun, app, new Command("unlock", "Let things happen to a server again."), _ => "");

    static Command Protect(Noun noun, App app, Command command, Func<Run, string> reason)
    {
        var name = NounCommand.Name(noun, app);
        command.Arguments.Insert(0, name);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run => await Update.SendAsync(
            run, noun,
            new Server { Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!), LockReason = reason(run) },
            new FieldMask { Paths = { "lock_reason" } }));
    }

    /// <param name="states">The states that a wait ends in.</param>
    public static Command Change(Noun noun, App app, Command command, IReadOnlyList<string> states,
        Func<Run, string, ValueTask<IMessage>> ask) => Change(noun, app, command, new Goal(States: states), ask);

    public static Command Change(Noun noun, App app, Command command, Goal goal, Func<Run, string, ValueTask<IMessage>> ask)
    {
        var name = NounCommand.Name(noun, app);
        command.Arguments.Insert(0, name);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var request = await ask(run, await run.ExpandAsync(noun, run.Line.GetValue(name)!));
            Mutation.Apply(run, request);
            var method = noun.Service.FindMethodByName(request.Descriptor.Name[..^"Request".Length]);
            var server = await run.Calls.UnaryAsync(method, request, run.Cancel);
            if (Mutation.Waits(run))
                server = await Waiter.WaitAsync(run, noun, server, goal) ?? server;
            Printer.Write(run, noun, server);
            if (request is RebuildServerRequest)
                Printer.Warn(run, Messages.Text(server, "image_warning"));
            return ExitCode.Done;
        });
    }
}
