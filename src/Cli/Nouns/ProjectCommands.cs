using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Identity.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Projects: the description, and how they go with all that they own.</summary>
internal static class ProjectCommands
{
    static readonly Option<bool> Force = new("--force")
    {
        Description = "With all that it owns, after the waiting period.",
    };

    static readonly Option<string?> WaitPeriod = new("--wait-period")
    {
        Description = "How long it can be had back, with --force: 7d; 0s for not at all. Default: the host's.",
        HelpName = "TIME",
    };

    static readonly Option<bool> Yes = new("--yes", "-y")
    {
        Description = "Do not ask.",
    };

    static readonly Option<bool> MissingOk = new("--missing-ok")
    {
        Description = "A project that is not there is deleted already.",
    };

    static readonly Column[] Remainders =
    [
        Column.Of("KIND", "kind"), Column.Number("COUNT", "count"), Column.Of("REASON", "reason"), Column.Of("MESSAGE", "message"),
        new("SOME", (message, _) => string.Join(", ", ((ProjectRemainder)message).Names.Select(Names.Id))),
    ];

    public static Noun Noun => new("project", Place.Cloud, ProjectService.Descriptor, Project.Descriptor)
    {
        About = "Projects: the unit of ownership.",
        Aliases = ["projects"],
        Columns =
        [
            Column.Name, Column.Of("DISPLAY NAME", "display_name"), Column.State(), Column.Of("LABELS", "labels"), Column.Age,
        ],
        Fields = [Fields.DisplayName,
            new("--domain", "domain", "The domain that it is in.") { Mutable = true, Value = "DOMAIN", Refers = () => Catalog.Domain },
            Fields.Labels],
        Life = Life.Project,
        Without = ["Delete"],
        Extra = (noun, app) => [Delete(noun, app), Undelete(noun, app)],
    };

    static Command Delete(Noun noun, App app)
    {
        var command = new Command("delete", "Delete a project: an empty one at once, or with --force one and all that it owns.");
        command.Aliases.Add("rm");
        var names = new Argument<string[]>("NAME") { Description = "The projects.", Arity = ArgumentArity.OneOrMore };
        names.CompletionSources.Add(app.NamesOf(() => noun));
        command.Arguments.Add(names);
        command.Options.Add(Force);
        command.Options.Add(WaitPeriod);
        command.Options.Add(Yes);
        command.Options.Add(MissingOk);
        Mutation.AddTo(command, waits: true);
        return app.Does(command, async run =>
        {
            foreach (var text in run.Line.GetValue(names)!)
                try
                {
                    await DeleteAsync(run, noun, await run.ExpandAsync(noun, text));
                }
                catch (RpcException error) when (error.StatusCode == StatusCode.NotFound && run.Line.GetValue(MissingOk))
                {
                    // As it is meant to be.
                }
            return ExitCode.Done;
        });
    }

    static async Task DeleteAsync(Run run, Noun noun, string name)
    {
        var request = new DeleteProjectRequest { Name = name, Force = run.Line.GetValue(Force) };
        if (run.Line.GetValue(WaitPeriod) is { } wait)
            request.Wait = request.Force
                ? Duration.FromTimeSpan(Settings.ParseSpan(wait))
                : throw new UsageException("--wait-period is for --force.", "An empty project goes at once.");
        Mutation.Apply(run, request);
        if (request.Force) await ConfirmAsync(run, noun, request);
        await run.Calls.UnaryAsync(noun.Method("Delete")!, request, run.Cancel);
        if (request.ValidateOnly || !request.Force)
        {
            WriteGone(run, name, request.ValidateOnly ? "could be deleted" : "is deleted");
            return;
        }
        try
        {
            var project = await run.Calls.UnaryAsync<Project>(noun.Method("Get")!, new GetProjectRequest { Name = name }, run.Cancel);
            if (!Mutation.Waits(run))
            {
                Printer.Write(run, noun, project);
                return;
            }
            await Waiter.WaitAsync(run, noun, project, Goal.Vanish);
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.NotFound)
        {
            // There was little to remove.
        }
        WriteGone(run, name, "is gone");
    }

    static void WriteGone(Run run, string name, string what)
    {
        if (run.Settings.Output is OutputFormat.Table) run.Around.Out.WriteLine($"{name} {what}");
        else if (run.Settings.Output is OutputFormat.Name) run.Around.Out.WriteLine(name);
    }

    /// <summary>Shows what would go, and has the project's name typed by whoever means it.</summary>
    static async Task ConfirmAsync(Run run, Noun noun, DeleteProjectRequest request)
    {
        if (run.Line.GetValue(Yes)) return;
        var plan = await run.Calls.UnaryAsync<PlanProjectDeletionResponse>(
            noun.Service.FindMethodByName("PlanProjectDeletion"), new PlanProjectDeletionRequest { Name = request.Name }, run.Cancel);
        var (id, error) = (Names.Id(request.Name), run.Around.Error);
        error.WriteLine(plan.Remainders.Count == 0 ? $"{request.Name} owns nothing." : $"With {request.Name} goes what it owns:");
        var view = new View(run.Around.Time.GetUtcNow(), null);
        if (plan.Remainders.Count > 0)
            foreach (var line in Table.Lines(Remainders, Table.Rows(Remainders, plan.Remainders, view), run.Around.ErrorInk))
                error.WriteLine("  " + line);
        if (request.ValidateOnly) return;
        var wait = (request.Wait ?? plan.DefaultWait).ToTimeSpan();
        error.WriteLine(wait == TimeSpan.Zero
            ? "It begins at once, and there is no way back."
            : $"It begins in {Column.Ago(wait)}; until then `monolith project undelete {id}` brings it back.");
        if (run.Around.RawInput is null)
            throw new UsageException("Nobody is there to ask.", "Say --yes when you mean it.");
        error.Write($"Type {id} to delete it: ");
        using var input = new StreamReader(run.Around.Input());
        if ((await input.ReadLineAsync(run.Cancel))?.Trim() != id)
            throw new UsageException("That was not its name; nothing was deleted.");
    }

    static Command Undelete(Noun noun, App app)
    {
        var command = new Command("undelete", "Bring back a project that was deleted, until its purge time.");
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var request = new UndeleteProjectRequest { Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!) };
            Mutation.Apply(run, request);
            Printer.Write(run, noun, await run.Calls.UnaryAsync(
                noun.Service.FindMethodByName("UndeleteProject"), request, run.Cancel));
            return ExitCode.Done;
        });
    }
}
