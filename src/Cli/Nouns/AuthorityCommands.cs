using System.CommandLine;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Identity.V1;

namespace Monolith.Cli.Nouns;

/// <summary>Certificate authorities: the description, and how one takes the place of another.</summary>
internal static class AuthorityCommands
{
    static readonly Option<bool> Force = new("--force") { Description = "Also when nodes or guests do not trust it yet." };

    public static Noun Noun => new("authority", Place.Cloud, CertificateAuthorityService.Descriptor, CertificateAuthority.Descriptor)
    {
        About = "The keys that the cloud signs with, for nodes, logins and servers; `rotate` replaces one, and nobody notices.",
        Aliases = ["authorities", "certificate-authority"],
        Columns =
        [
            Column.Name, Column.State(), Column.Enum("FOR", "use"), Column.Number("NODES PENDING", "pending_node_count"),
            Column.Time("READY", "ready_time"), Column.Time("EXPIRES", "expire_time"), Column.Age,
        ],
        ForceMeans = "Also when nodes show a certificate of it: they have to join anew.",
        Fields = [new("--use", "use", "What it is to sign.") { Required = true }],
        Extra = (noun, app) => [Activate(noun, app), Certificates(app), AuthorityRotation.Of(app)],
    };

    static Command Activate(Noun noun, App app)
    {
        var command = new Command("activate", "Have it sign from now on; the one that did so far is still trusted.");
        var name = NounCommand.Name(noun, app);
        command.Arguments.Add(name);
        command.Options.Add(Force);
        Mutation.AddTo(command, waits: false);
        return app.Does(command, async run =>
        {
            var request = new ActivateCertificateAuthorityRequest
            {
                Name = await run.ExpandAsync(noun, run.Line.GetValue(name)!),
                Force = run.Line.GetValue(Force),
            };
            Mutation.Apply(run, request);
            Printer.Write(run, noun, await run.Calls.UnaryAsync(noun.Service.FindMethodByName("ActivateCertificateAuthority"), request, run.Cancel));
            return ExitCode.Done;
        });
    }

    static Command Certificates(App app) => app.Does(
        new Command("certificates", "Print what clients trust, in PEM: the file for --ca, and for programs."), async run =>
    {
        foreach (var authority in await AllAsync(run, CertificateAuthority.Types.Use.Nodes)) run.Around.Out.Write(authority.PublicKey);
        return ExitCode.Done;
    });

    /// <summary>The one that signs first.</summary>
    public static async Task<IReadOnlyList<CertificateAuthority>> AllAsync(Run run, CertificateAuthority.Types.Use use)
    {
        var answer = await run.Calls.UnaryAsync<ListCertificateAuthoritiesResponse>(
            Noun.Method("List")!, new ListCertificateAuthoritiesRequest { PageSize = 1000 }, run.Cancel);
        return [.. answer.CertificateAuthorities.Where(a => a.Use == use).OrderByDescending(a => a.State == CertificateAuthority.Types.State.Signing)];
    }
}
