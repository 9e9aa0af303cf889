using System.CommandLine;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Identity.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Passwords, which are on no command line: whoever lists processes would read them.</summary>
internal static class PasswordCommands
{
    public static Command Set(Noun noun, App app)
    {
        var command = new Command("set-password", "Let a user sign in with a password. Asks for it, or takes it from standard input: a line, or for your own the one before and the new one.");
        var name = NounCommand.Name(noun, app);
        var none = new Option<bool>("--none") { Description = "Take the password away: nobody signs in by one." };
        command.Arguments.Add(name);
        command.Options.Add(none);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var request = new SetPasswordRequest { Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!) };
            Mutation.Apply(run, request);
            if (!run.Line.GetValue(none))
                (request.CurrentPassword, request.Password) = Secret.ReadNew(run.Around, $"A new password of {Names.Id(request.Name)}",
                    run.Around.RawInput is not null && await IsCallersAsync(run, request.Name) ? "The one before, or nothing" : null);
            Printer.Write(run, noun, await run.Calls.UnaryAsync(noun.Service.FindMethodByName("SetPassword"), request, run.Cancel));
            return ExitCode.Done;
        });
    }

    static async Task<bool> IsCallersAsync(Run run, string name) => (await run.Calls.UnaryAsync<GetCallerResponse>(
        TokenService.Descriptor.FindMethodByName("GetCaller"), new GetCallerRequest(), run.Cancel)).Name == name;
}
