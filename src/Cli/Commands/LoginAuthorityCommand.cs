using System.CommandLine;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Compute.V1;

namespace Monolith.Cli.Commands;

/// <summary>The keys of the login authority, in the forms in which they are pasted.</summary>
internal static class LoginAuthorityCommand
{
    public static Command Of(App app)
    {
        var command = new Command("login-authority", "The keys that sign logins: what servers trust, and what people trust.");
        var userKey = new Option<bool>("--user-key") { Description = "Only what servers trust: the line for TrustedUserCAKeys." };
        var knownHosts = new Option<bool>("--known-hosts") { Description = "Only what people trust: the line for known_hosts." };
        command.Options.Add(userKey);
        command.Options.Add(knownHosts);
        return app.Does(command, async run =>
        {
            var (user, hosts) = (run.Line.GetValue(userKey), run.Line.GetValue(knownHosts));
            if (user && hosts)
                throw new UsageException("--user-key or --known-hosts?", "Say one, or neither for both.");
            var authority = await run.Calls.UnaryAsync<LoginAuthority>(
                LoginService.Descriptor.FindMethodByName("GetLoginAuthority"), new GetLoginAuthorityRequest(), run.Cancel);
            var to = run.Around.Out;
            if (user || hosts)
                to.WriteLine(user ? authority.UserKey : authority.KnownHosts);
            else if (run.Settings.Output == OutputFormat.Json)
                to.WriteLine(Printer.Json(authority));
            else if (run.Settings.Output == OutputFormat.Yaml)
                to.Write(Printer.Yaml(authority));
            else
            {
                to.WriteLine($"# Servers, in the file that TrustedUserCAKeys of sshd_config names: {authority.UserKeyFingerprint}");
                to.WriteLine(authority.UserKey);
                to.WriteLine($"# People, in ~/.ssh/known_hosts, with the cloud's zones in the place of the *: {authority.HostKeyFingerprint}");
                to.WriteLine(authority.KnownHosts);
            }
            return ExitCode.Done;
        });
    }
}
