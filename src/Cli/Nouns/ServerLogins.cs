using System.CommandLine;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Compute.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Who may log in to a server, and who got a certificate for it.</summary>
internal static class ServerLogins
{
    static readonly Column[] May =
    [
        new("MEMBER", (message, view) => message is Login { Member.Length: > 0 } login ? Names.Short(login.Member, view.Project) : "whoever has it"),
        AsRoot, Column.Reference("ROLE", "role"),
        new("ON", (message, _) => message is Login { Scope.Length: > 0 } login ? login.Scope : "the cloud"),
    ];

    static readonly Column[] Did =
    [
        Column.Time("TIME", "create_time"), Column.Reference("MEMBER", "member"), AsRoot, Column.Of("KEY", "fingerprint"),
        Column.Of("SERIAL", "serial"), Column.Time("GOOD UNTIL", "expire_time"),
    ];

    static Column AsRoot => new("AS ROOT", (message, _) =>
        message is Login { AsRoot: true } or LoginCertificate { AsRoot: true } ? "yes" : "no");

    public static Command Of(Noun noun, App app)
    {
        var command = new Command("logins", "Who may log in by a certificate, as what, by which role.");
        var name = NounCommand.Name(noun, app);
        var certificates = new Option<bool>("--certificates") { Description = "Instead, who got one: the last 100." };
        command.Arguments.Add(name);
        command.Options.Add(certificates);
        command.Options.Add(List.Limit);
        return app.Does(command, async run =>
        {
            var did = run.Line.GetValue(certificates);
            var (rows, all) = await List.PagesAsync(run,
                LoginService.Descriptor.FindMethodByName(did ? "ListLoginCertificates" : "ListLogins"),
                await run.ExpandAsync(noun, run.Line.GetValue(name)!));
            Printer.Write(run, did ? Did : May, rows, all);
            return ExitCode.Done;
        });
    }
}
