using System.CommandLine;
using Monolith.Cli.Output;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Cli.Waiting;
using Monolith.Identity.V1;
using State = Monolith.Identity.V1.CertificateAuthority.Types.State;
using Use = Monolith.Identity.V1.CertificateAuthority.Types.Use;

namespace Monolith.Cli.Nouns;

/// <summary>
/// <c>authority rotate nodes</c>: all steps from one authority to the next, each when it harms nobody. What is done is looked up
/// and not remembered, so that it may be interrupted anywhere and begun again.
/// </summary>
internal static class AuthorityRotation
{
    /// <summary>Whoever waits longer than this comes back.</summary>
    static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    static readonly Option<bool> Yes = new("--yes", "-y") { Description = "Do not ask whether clients trust the new one." };

    static readonly Option<bool> NoWait = new("--no-wait") { Description = "Do what can be done now, and say what it waits for." };

    public static Command Of(App app)
    {
        var command = new Command("rotate", "Replace an authority by a new one, without anybody noticing. Go on where it stopped by the same command.");
        var use = new Argument<string>("USE") { Description = "nodes, logins or servers." };
        use.AcceptOnlyFromAmong("nodes", "logins", "servers");
        command.Arguments.Add(use);
        command.Options.Add(Yes);
        command.Options.Add(NoWait);
        return app.Does(command, async run =>
        {
            return await RotateAsync(run, Enum.Parse<Use>(run.Line.GetValue(use)!, ignoreCase: true)) ? ExitCode.Done : ExitCode.WaitedTooLong;
        });
    }

    /// <returns>Whether it is done.</returns>
    static async Task<bool> RotateAsync(Run run, Use use)
    {
        var all = await AuthorityCommands.AllAsync(run, use);
        var next = all.FirstOrDefault(a => a.State == State.Next);
        // With a former one there, it was interrupted behind the activation.
        if (next is null && all.All(a => a.State != State.Former))
            next = await SendAsync(run, "Create", new CreateCertificateAuthorityRequest { CertificateAuthority = new() { Use = use } });
        if (next is not null)
        {
            if (!await IsReadyAsync(run, next, "trust it")) return false;
            if (!await AgreesAsync(run, next)) return false;
            await SendAsync(run, "Activate", new ActivateCertificateAuthorityRequest { Name = next.Name });
            run.Around.Error.WriteLine($"{Names.Id(next.Name)} signs.");
        }
        foreach (var former in (await AuthorityCommands.AllAsync(run, use)).Where(a => a.State == State.Former))
        {
            if (!await IsReadyAsync(run, former, "show a certificate of another")) return false;
            await run.Calls.UnaryAsync(Catalog.Authority.Method("Delete")!, new DeleteCertificateAuthorityRequest { Name = former.Name }, run.Cancel);
            run.Around.Error.WriteLine($"{Names.Id(former.Name)} is trusted no more.");
        }
        var signing = (await AuthorityCommands.AllAsync(run, use))[0];
        if (next is null) run.Around.Error.WriteLine($"That was the rest of an earlier rotation: {Names.Id(signing.Name)} signed already. The same command replaces it.");
        run.Around.Out.WriteLine(signing.Name);
        return true;
    }

    /// <summary>Waits for nodes, and for time where it is short.</summary>
    static async Task<bool> IsReadyAsync(Run run, CertificateAuthority authority, string what)
    {
        await using var progress = Progress.Of(run.Around, Names.Id(authority.Name));
        while (true)
        {
            var now = run.Around.Time.GetUtcNow();
            var time = authority.ReadyTime?.ToDateTimeOffset() is { } ready && ready > now ? ready - now : TimeSpan.Zero;
            var count = authority.PendingNodeCount;
            if (count == 0 && time == TimeSpan.Zero) return true;
            var waits = count > 0
                ? $"waits for {count} {(count == 1 ? "node" : "nodes")} to {what}: {string.Join(", ", authority.PendingNodes.Take(5).Select(Names.Id))}{(count > 5 ? ", …" : "")}. "
                    + "One that is off or of an older version is to be looked after; or go on without it by "
                    + $"`monolith authority {(authority.State == State.Next ? "activate" : "delete")} {Names.Id(authority.Name)} --force`"
                : $"waits {Column.Ago(time)}, until {authority.ReadyTime!.ToDateTimeOffset():u}";
            if (run.Line.GetValue(NoWait) || time > Longest)
            {
                run.Around.Error.WriteLine($"{Names.Id(authority.Name)} {waits}. Then go on by the same command.");
                return false;
            }
            progress.Show(new(waits, []));
            await Task.Delay(Look, run.Around.Time, run.Cancel);
            authority = await run.Calls.UnaryAsync<CertificateAuthority>(
                Catalog.Authority.Method("Get")!, new GetCertificateAuthorityRequest { Name = authority.Name }, run.Cancel);
        }
    }

    /// <summary>The host knows nothing of what clients trust.</summary>
    static async Task<bool> AgreesAsync(Run run, CertificateAuthority next)
    {
        if (next.Use == Use.Logins || run.Line.GetValue(Yes)) return true;
        var error = run.Around.Error;
        error.WriteLine(next.Use == Use.Nodes
            ? $"Clients believe whom their CA file names. Give them both, by `monolith authority certificates > ca.pem`. The new one: {next.Fingerprint}"
            : $"Whoever pasted it pastes `monolith login-authority --known-hosts` anew; `monolith ssh` needs nothing. The new one: {next.Fingerprint}");
        if (run.Around.RawInput is null)
        {
            error.WriteLine("When they have it, go on by the same command with --yes.");
            return false;
        }
        error.Write("Do they have it? Type yes: ");
        using var input = new StreamReader(run.Around.Input());
        if ((await input.ReadLineAsync(run.Cancel))?.Trim() == "yes") return true;
        error.WriteLine("Nothing was changed. Go on by the same command when they have it.");
        return false;
    }

    static Task<CertificateAuthority> SendAsync(Run run, string verb, Google.Protobuf.IMessage request) => run.Calls.UnaryAsync<CertificateAuthority>(
        Catalog.Authority.Service.FindMethodByName(verb + "CertificateAuthority"), request, run.Cancel);
}
