using System.CommandLine;
using Google.Protobuf;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;

namespace Monolith.Cli.Verbs;

/// <summary><c>show NAME</c></summary>
internal static class Show
{
    public static Command Of(Noun noun, App app)
    {
        var command = new Command("show", $"Show a {noun.Spoken} in full.");
        command.Aliases.Add("get");
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        Parents.AddTo(command, noun.Place);
        return app.Does(command, async run =>
        {
            var resource = await GetAsync(run, noun, run.Line.GetValue(name)!);
            if (run.Settings.Output != OutputFormat.Table)
            {
                Printer.Write(run, noun, resource);
                return ExitCode.Done;
            }
            foreach (var line in Sheet.Lines(noun, resource, run.Around.Time.GetUtcNow(), run.Around.Ink))
                run.Around.Out.WriteLine(line);
            return ExitCode.Done;
        });
    }

    public static async Task<IMessage> GetAsync(Run run, Noun noun, string name)
    {
        var method = noun.Method("Get")!;
        var request = Messages.New(method.InputType);
        Messages.Set(request, "name", await run.ExpandAsync(noun, name));
        return await run.Calls.UnaryAsync(method, request, run.Cancel);
    }
}
