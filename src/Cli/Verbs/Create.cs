using System.CommandLine;
using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Waiting;

namespace Monolith.Cli.Verbs;

/// <summary><c>create NAME --field value …</c></summary>
internal static class Create
{
    public static Command Of(Noun noun, App app)
    {
        var command = new Command("create", $"Create a {noun.Spoken}.");
        var name = new Argument<string>("NAME") { Description = $"The new {noun.Spoken}'s id." };
        if (noun.NamedByCaller)
            command.Arguments.Add(name);
        var options = FieldOption.AddTo(command, noun, app, creates: true);
        Parents.AddTo(command, noun.Place);
        Mutation.AddTo(command, waits: noun.Life is not null);
        command.Options.Add(Mutation.ExistOk);

        return app.Does(command, async run =>
        {
            var (resource, _) = await FieldOption.ReadAsync(run, noun, options);
            var id = noun.NamedByCaller ? run.Line.GetValue(name) : null;
            return await SendAsync(run, noun, id, JsonParser.Default.Parse(resource.ToJsonString(), noun.Resource));
        });
    }

    /// <summary>Creates a resource, waits where that was asked for, and writes the result.</summary>
    public static async Task<int> SendAsync(Run run, Noun noun, string? id, IMessage resource)
    {
        var method = noun.Method("Create")!;
        var request = Messages.New(method.InputType);
        var parent = await ParentAsync(run, noun, id);
        id = id is null ? null : Names.Id(id);
        Messages.Set(request, "parent", parent);
        Messages.Set(request, noun.Snake + "_id", id);
        Messages.Set(request, noun.Snake, resource);
        Mutation.Apply(run, request);

        IMessage made;
        try
        {
            // Where the service makes the ids, only the content can tell that it exists.
            made = run.Line.GetValue(Mutation.ExistOk) && noun.IsSame is not null
                && await SameAsync(run, noun, parent, resource) is { } same
                ? same
                : await run.Calls.UnaryAsync(method, request, run.Cancel);
        }
        catch (RpcException error) when (
            error.StatusCode == StatusCode.AlreadyExists && run.Line.GetValue(Mutation.ExistOk))
        {
            if (await ExistingAsync(run, noun, parent, id, resource) is not { } found)
                throw;
            made = found;
        }
        if (noun.Life is not null && Mutation.Waits(run))
            made = await Waiter.WaitAsync(run, noun, made, Goal.Settle) ?? made;
        Printer.Write(run, noun, made);
        Printer.Warn(run, Messages.Text(made, "image_warning"));
        if (run.Settings.Output == OutputFormat.Table && run.Line.GetValue(Mutation.ValidateOnly))
            foreach (var step in Steps.Of(made, run.Around.Time.GetUtcNow()).Where(s => !s.Done && s.Cause.Length > 0))
                run.Around.Error.WriteLine($"It would wait at {step.Name}: {step.Cause}");
        if (noun.Life?.Judge(made, Goal.Settle) == Verdict.GoOn && run.Around.Interactive
            && run.Settings.Output == OutputFormat.Table && !run.Line.GetValue(Mutation.ValidateOnly))
            run.Around.Error.WriteLine($"It is under way: `monolith {noun.Word} watch {Names.Id(Messages.Text(made, "name"))}` "
                + "follows it; with --wait, create stays until it is there.");
        return ExitCode.Done;
    }

    // `create demo/web1` and `create projects/demo/servers/web1` say the parent as well.
    static async Task<string> ParentAsync(Run run, Noun noun, string? id)
    {
        if (id is null || !id.Contains('/', StringComparison.Ordinal))
            return await run.ParentAsync(noun);
        var parts = (await run.ExpandAsync(noun, id)).Split('/');
        return string.Join('/', parts[..^2]);
    }

    static async Task<IMessage?> ExistingAsync(Run run, Noun noun, string parent, string? id, IMessage resource)
    {
        var name = id is not null ? Names.Expand(noun, id, parent) : noun.ImpliedName?.Invoke(parent, resource);
        if (name is null || noun.Method("Get") is not { } get)
            return null;
        var request = Messages.New(get.InputType);
        Messages.Set(request, "name", name);
        return await run.Calls.UnaryAsync(get, request, run.Cancel);
    }

    static async Task<IMessage?> SameAsync(Run run, Noun noun, string parent, IMessage resource)
    {
        var (resources, _) = await List.PagesAsync(run, noun.Method("List")!, parent);
        return resources.FirstOrDefault(other => noun.IsSame!(other, resource));
    }
}
