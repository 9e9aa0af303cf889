using System.CommandLine;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Waiting;

namespace Monolith.Cli.Verbs;

/// <summary><c>delete NAME…</c></summary>
internal static class Delete
{
    static readonly Option<bool> MissingOk = new("--missing-ok")
    {
        Description = "A resource that is not there is deleted already.",
    };


    public static Command Of(Noun noun, App app)
    {
        var command = new Command("delete", $"Delete {noun.SpokenSeveral}.");
        command.Aliases.Add("rm");
        var names = new Argument<string[]>("NAME")
        {
            Description = $"The {noun.SpokenSeveral}.",
            Arity = ArgumentArity.OneOrMore,
        };
        names.CompletionSources.Add(app.NamesOf(() => noun));
        command.Arguments.Add(names);
        command.Options.Add(MissingOk);
        var force = noun.Method("Delete")!.InputType.FindFieldByName("force") is null ? null : new Option<bool>("--force") { Description = noun.ForceMeans };
        if (force is not null) command.Options.Add(force);
        Parents.AddTo(command, noun.Place);
        Mutation.AddTo(command, waits: noun.Life is not null);
        return app.Does(command, async run =>
        {
            foreach (var text in run.Line.GetValue(names)!)
                await DeleteAsync(run, noun, await run.ExpandAsync(noun, text), force is not null && run.Line.GetValue(force));
            return ExitCode.Done;
        });
    }

    static void WriteGone(Run run, string name)
    {
        var what = run.Line.GetValue(Mutation.ValidateOnly) ? "could be deleted" : "is deleted";
        if (run.Settings.Output is OutputFormat.Table)
            run.Around.Out.WriteLine($"{name} {what}");
        else if (run.Settings.Output is OutputFormat.Name)
            run.Around.Out.WriteLine(name);
    }

    static async Task DeleteAsync(Run run, Noun noun, string name, bool force)
    {
        var method = noun.Method("Delete")!;
        var request = Messages.New(method.InputType);
        Messages.Set(request, "name", name);
        if (force)
            Messages.Set(request, "force", true);
        Mutation.Apply(run, request);
        IMessage answer;
        try
        {
            answer = await run.Calls.UnaryAsync(method, request, run.Cancel);
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.NotFound && run.Line.GetValue(MissingOk))
        {
            return;
        }
        if (answer is Empty)
        {
            WriteGone(run, name);
            return;
        }
        if (noun.Life is not null && Mutation.Waits(run))
        {
            answer = await Waiter.WaitAsync(run, noun, answer, Goal.Vanish) ?? answer;
            if (run.Settings.Output is OutputFormat.Table && Messages.Enum(answer, "state") != Life.SoftlyDeleted)
            {
                WriteGone(run, name);
                return;
            }
        }
        Printer.Write(run, noun, answer);
    }
}
