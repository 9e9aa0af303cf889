using System.CommandLine;
using System.CommandLine.Completions;
using Google.Protobuf.WellKnownTypes;
using Monolith.Cli.Api;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Identity.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Tokens: create prints the secret alone on standard output, so that a script can keep it.</summary>
internal static class TokenCommands
{
    public static Noun Noun => new("token", Place.User, TokenService.Descriptor, Token.Descriptor)
    {
        About = "Bearer tokens of users and service accounts.",
        Aliases = ["tokens"],
        Columns = [Column.Name, Column.Of("FOR", "display_name"), Column.Of("SCOPE", "scope"), Column.Of("SESSION", "session"), Column.Time("EXPIRES", "expire_time"), Column.Age],
        Without = ["Create"],
        Extra = (noun, app) => [Create(noun, app), Revoke(noun, app), Access(app), WhoAmI(app)],
    };

    static Command Create(Noun noun, App app)
    {
        var command = new Command("create", "Make a token. Its secret is shown once.");
        var purpose = new Option<string?>("--display-name") { Description = "What it is for.", HelpName = "TEXT" };
        var life = new Option<string?>("--ttl")
        {
            Description = "Until it expires. Default: never.",
            HelpName = "TIME",
        };
        var permissions = new Option<string[]>("--permission")
        {
            Description = "Good for this alone, of what its user may. May be given several times. Default: for all.",
            HelpName = "PERMISSION",
        };
        permissions.CompletionSources.Add(_ => Permissions.All.Select(p => new CompletionItem(p)));
        var scope = new Option<string?>("--scope") { Description = "Good in this project alone. Default: everywhere.", HelpName = "PROJECT" };
        scope.CompletionSources.Add(app.NamesOf(() => Catalog.Project));
        foreach (var option in new System.CommandLine.Option[] { purpose, life, permissions, scope }) command.Options.Add(option);
        Parents.AddTo(command, noun.Place);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var token = new Token
            {
                DisplayName = run.Line.GetValue(purpose) ?? "",
                Permissions = { run.Line.GetValue(permissions) ?? [] },
                Scope = run.Line.GetValue(scope) is { } project ? await run.ExpandAsync(Catalog.Project, project) : "",
            };
            if (run.Line.GetValue(life) is { } ttl)
                token.ExpireTime = Timestamp.FromDateTimeOffset(run.Around.Time.GetUtcNow() + Settings.ParseSpan(ttl));
            var request = new CreateTokenRequest { Parent = await run.ParentAsync(noun), Token = token };
            Mutation.Apply(run, request);
            var made = await run.Calls.UnaryAsync<CreateTokenResponse>(noun.Method("Create")!, request, run.Cancel);
            Printer.Write(run, made, () =>
            {
                run.Around.Error.WriteLine($"{made.Token.Name}. Keep its secret: it is not shown again.");
                run.Around.Out.WriteLine(made.Secret);
            }, () => made.Token.Name);
            return ExitCode.Done;
        });
    }

    static Command Access(App app)
    {
        var command = new Command("access", "Print an access token: signed, short-lived, for this cloud or for a service that knows its keys.");
        var audience = new Option<string?>("--audience") { Description = "Whom it is for. Default: this cloud.", HelpName = "URL" };
        var life = new Option<string?>("--ttl") { Description = "Until it expires, at most 1h. Default: 15m.", HelpName = "TIME" };
        command.Options.Add(audience);
        command.Options.Add(life);
        return app.Does(command, async run =>
        {
            var request = new IssueAccessTokenRequest { Audience = run.Line.GetValue(audience) ?? "" };
            if (run.Line.GetValue(life) is { } ttl) request.Ttl = Duration.FromTimeSpan(Settings.ParseSpan(ttl));
            var made = await run.Calls.UnaryAsync<IssueAccessTokenResponse>(
                SessionService.Descriptor.FindMethodByName("IssueAccessToken"), request, run.Cancel);
            Printer.Write(run, made, () => run.Around.Out.WriteLine(made.AccessToken));
            return ExitCode.Done;
        });
    }

    static Command Revoke(Noun noun, App app)
    {
        var command = new Command("revoke", "Refuse a token from now on.");
        command.Aliases.Add("delete");
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        Parents.AddTo(command, noun.Place);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var request = new RevokeTokenRequest { Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!) };
            Mutation.Apply(run, request);
            await run.Calls.UnaryAsync(noun.Service.FindMethodByName("RevokeToken"), request, run.Cancel);
            run.Around.Out.WriteLine(request.Name);
            return ExitCode.Done;
        });
    }

    static readonly IReadOnlyList<Column> Grants =
    [
        Column.Reference("ROLE", "role"),
        new("SCOPE", (message, _) => Api.Messages.Text(message, "scope") is { Length: > 0 } scope ? scope : "(cloud)"),
        Column.Reference("BY GROUP", "group"),
    ];

    static Command WhoAmI(App app) =>
        app.Does(new Command("whoami", "Show who is calling, and with which roles."), async run =>
    {
        var method = TokenService.Descriptor.FindMethodByName("GetCaller");
        var caller = await run.Calls.UnaryAsync<GetCallerResponse>(method, new GetCallerRequest(), run.Cancel);
        Printer.Write(run, caller, () =>
        {
            run.Around.Out.WriteLine(caller.Name);
            if (caller.Limited) run.Around.Out.WriteLine($"  by {caller.Credential}, which is good for this alone:");
            foreach (var line in Table.Lines(Grants, caller.Grants, default, run.Around.Ink))
                run.Around.Out.WriteLine("  " + line);
        }, () => caller.Name);
        return ExitCode.Done;
    });
}
