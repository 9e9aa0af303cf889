using System.CommandLine;
using System.CommandLine.Completions;
using Monolith.Cli.Api;
using Monolith.Cli.Nouns;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Identity.V1;

namespace Monolith.Cli.Commands;

/// <summary>May I, may they, and if not: who can let them? Ends with 1 when something is not allowed.</summary>
internal static class AccessCommands
{
    const string Cloud = "cloud";

    static readonly Column[] Columns =
    [
        Column.Of("PERMISSION", "permission"),
        new("HELD", (message, _) => message is TestedPermission { Held: true } ? "yes" : "no"),
    ];

    public static Command Of(App app)
    {
        var command = new Command("access", "Who may do what, why not, and who can change that.");
        command.Subcommands.Add(Test(app));
        command.Subcommands.Add(Explain(app));
        return command;
    }

    static Command Test(App app)
    {
        var command = new Command("test", "Whether you have permissions.");
        var permissions = Permission(new Argument<string[]>("PERMISSION") { Arity = ArgumentArity.OneOrMore });
        var on = On();
        command.Arguments.Add(permissions);
        command.Options.Add(on);
        return app.Does(command, async run =>
        {
            var request = new TestPermissionsRequest
            {
                Resource = await ResourceAsync(run, run.Line.GetValue(on)),
                Permissions = { run.Line.GetValue(permissions)! },
            };
            var answer = await run.Calls.UnaryAsync<TestPermissionsResponse>(
                RoleService.Descriptor.FindMethodByName("TestPermissions"), request, run.Cancel);
            Printer.Write(run, Columns, [.. answer.Permissions], answer);
            return answer.Permissions.All(p => p.Held) ? ExitCode.Done : ExitCode.Failed;
        });
    }

    static Command Explain(App app)
    {
        var command = new Command("explain", "Why somebody may do a thing, or why not and who can let them.");
        var permission = Permission(new Argument<string>("PERMISSION"));
        var member = new Option<string?>("--member") { Description = "Of whom. Default: you.", HelpName = "USER|sa:ACCOUNT" };
        member.CompletionSources.Add(MemberSyntax.Completions(app));
        var on = On();
        command.Arguments.Add(permission);
        command.Options.Add(member);
        command.Options.Add(on);
        return app.Does(command, async run =>
        {
            var request = new ExplainAccessRequest
            {
                Member = run.Line.GetValue(member) is { } text ? await MemberSyntax.ReadAsync(run, text) : "",
                Permission = run.Line.GetValue(permission)!,
                Resource = await ResourceAsync(run, run.Line.GetValue(on)),
            };
            var answer = await run.Calls.UnaryAsync<ExplainAccessResponse>(
                RoleService.Descriptor.FindMethodByName("ExplainAccess"), request, run.Cancel);
            Printer.Write(run, answer, () => run.Around.Out.WriteLine(answer.Message));
            return answer.Allowed ? ExitCode.Done : ExitCode.Failed;
        });
    }

    static Option<string?> On() => new("--on")
    {
        Description = "A project, the full name of anything, or `cloud`. Default: the project of --project.", HelpName = "WHAT",
    };

    static TArgument Permission<TArgument>(TArgument argument)
        where TArgument : Argument
    {
        argument.Description = "As denials name it, and `monolith role show admin`: compute.servers.create.";
        argument.CompletionSources.Add(_ => Permissions.All.Select(p => new CompletionItem(p)));
        return argument;
    }

    static async ValueTask<string> ResourceAsync(Run run, string? on) => on switch
    {
        null => $"projects/{await run.ProjectAsync()}",
        Cloud => "",
        _ when on.Contains('/', StringComparison.Ordinal) => on,
        _ => "projects/" + on,
    };
}
