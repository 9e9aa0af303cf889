using System.CommandLine;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Images of servers' disks.</summary>
internal static class ServerSnapshots
{
    public static Command Command(Noun noun, App app)
    {
        var command = new Command("snapshot", "Make an image of a server's disk. The server goes on meanwhile.");
        var name = NounCommand.Name(noun, app);
        var image = new Argument<string>("IMAGE") { Description = "The new image, in the server's project." };
        var family = new Option<string?>("--family")
        {
            Description = "The family that it is a version of; servers start from its newest image.",
            HelpName = "FAMILY",
        };
        command.Arguments.Add(name);
        command.Arguments.Add(image);
        command.Options.Add(family);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            var request = new SnapshotServerRequest
            {
                Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!),
                ImageId = run.Line.GetValue(image)!,
                Family = run.Line.GetValue(family) ?? "",
            };
            Mutation.Apply(run, request);
            var made = await run.Calls.UnaryAsync(noun.Service.FindMethodByName("SnapshotServer"), request, run.Cancel);
            var images = Catalog.Image with { Life = Life.Image };
            if (Mutation.Waits(run))
                made = await Waiter.WaitAsync(run, images, made, Goal.Settle) ?? made;
            Printer.Write(run, images, made);
            return ExitCode.Done;
        });
    }
}
