using System.CommandLine;
using Google.Protobuf;
using Monolith.Cli.Session;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Servers that boot from elsewhere to be repaired.</summary>
internal static class ServerRescue
{
    static readonly IReadOnlyList<string> Ready = ["READY"], Rested = ["READY", "STOPPED"];

    public static IEnumerable<Command> Commands(Noun noun, App app) => [Rescue(noun, app), Unrescue(noun, app)];

    static Command Rescue(Noun noun, App app)
    {
        var image = new Option<string?>("--image")
        {
            Description = "What to boot from, or family/FAMILY for a family's newest. Default: the server's image.",
            HelpName = "IMAGE",
        };
        image.CompletionSources.Add(app.NamesOf(() => Catalog.Image, ImageCommands.FamilyOf));
        var hard = Hard();
        return ServerChanges.Change(noun, app,
            new Command("rescue", "Boot a server from an image, with its own disk as the second, to repair that.") { image, hard },
            Ready, async (run, name) => new RescueServerRequest
            {
                Name = name,
                Image = run.Line.GetValue(image) is { } text ? await ImageCommands.NameAsync(run, text) : "",
                Hard = run.Line.GetValue(hard),
            });
    }

    static Command Unrescue(Noun noun, App app)
    {
        var hard = Hard();
        return ServerChanges.Change(noun, app, new Command("unrescue", "Boot a rescued server from its own disk again.") { hard },
            Rested, (run, name) => ValueTask.FromResult<IMessage>(new UnrescueServerRequest
            {
                Name = name,
                Hard = run.Line.GetValue(hard),
            }));
    }

    static Option<bool> Hard() => new("--hard") { Description = "Switch it off without asking the guest." };
}
