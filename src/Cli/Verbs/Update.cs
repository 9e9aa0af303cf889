using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Waiting;

namespace Monolith.Cli.Verbs;

/// <summary><c>update NAME --field value …</c>: changes the fields that are given and no other.</summary>
internal static class Update
{
    static readonly Option<string?> Etag = new("--etag")
    {
        Description = "Only when the resource is still this version.",
        HelpName = "ETAG",
    };

    public static Command Of(Noun noun, App app)
    {
        var command = new Command("update", $"Change a {noun.Spoken}.");
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        var options = FieldOption.AddTo(command, noun, app, creates: false);
        command.Options.Add(Etag);
        Parents.AddTo(command, noun.Place);
        Mutation.AddTo(command, waits: noun.Life is not null);

        return app.Does(command, async run =>
        {
            var (resource, paths) = await FieldOption.ReadAsync(run, noun, options);
            var mask = new FieldMask { Paths = { paths } };
            if (mask.Paths.Count == 0)
                throw new UsageException(
                    "Nothing to change.", $"`monolith {noun.Word} update --help` lists what can be.");
            resource["name"] = await run.ExpandAsync(noun, run.Line.GetValue(name)!);
            if (run.Line.GetValue(Etag) is { } etag)
                resource["etag"] = etag;
            var changed = JsonParser.Default.Parse(resource.ToJsonString(), noun.Resource);
            return await SendAsync(run, noun, changed, mask);
        });
    }

    /// <summary>Sends a changed resource, waits where that was asked for, and writes the result.</summary>
    public static async Task<int> SendAsync(Run run, Noun noun, IMessage changed, FieldMask mask)
    {
        var method = noun.Method("Update")!;
        var request = Messages.New(method.InputType);
        Messages.Set(request, noun.Snake, changed);
        Messages.Set(request, "update_mask", mask);
        Mutation.Apply(run, request);
        var made = await run.Calls.UnaryAsync(method, request, run.Cancel);
        if (noun.Life is not null && Mutation.Waits(run))
        {
            var revision = Messages.Get(made, "revision") as long? ?? 0;
            made = await Waiter.WaitAsync(run, noun, made, new Goal(Revision: revision)) ?? made;
        }
        Printer.Write(run, noun, made);
        return ExitCode.Done;
    }
}
