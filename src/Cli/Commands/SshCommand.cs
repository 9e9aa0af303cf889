using System.CommandLine;
using System.Globalization;
using Grpc.Core;
using Monolith.Cli.Native;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;
using Monolith.Cli.Verbs;
using Monolith.Compute.V1;
using Monolith.Network.V1;

namespace Monolith.Cli.Commands;

/// <summary>
/// Logs in by a certificate: a key that lives as long as the session, signed for this server and some minutes, and nothing else
/// trusted than the cloud's word for which server it is. OpenSSH's own client does the rest, with the user's own configuration.
/// </summary>
internal static class SshCommand
{
    const string Root = "root";
    const string Missing = "Install OpenSSH's client (apt install openssh-client).";

    /// <summary>What ssh itself ends with, where the command on the server does not.</summary>
    const int SshFailed = 255;

    sealed record Asked(string Server, string? User, bool AsRoot, string? Identity, int? Port, string? Address, TimeSpan? Ttl, string[] Rest);

    public static Command Of(App app)
    {
        var command = new Command("ssh", "Log in to a server by a certificate. What follows -- is given to ssh after the destination.");
        var server = new Argument<string>("[USER@]SERVER") { Description = "The server." };
        server.CompletionSources.Add(app.NamesOf(() => Catalog.Server));
        var rest = new Argument<string[]>("ARGS") { Description = "For ssh: a command, or more options.", Arity = ArgumentArity.ZeroOrMore };
        var login = new Option<string?>("--login", "-l") { Description = "The login name. Default: root with --root, else guest.", HelpName = "USER" };
        var root = new Option<bool>("--root") { Description = "As root, or as somebody who may become root." };
        var identity = new Option<string?>("--identity", "-i")
        {
            Description = "A key of your own, or its .pub file where an agent has it. Default: a new one.",
            HelpName = "FILE",
        };
        var port = new Option<int?>("--port") { Description = "Of the server's SSH. Default: 22.", HelpName = "PORT" };
        var address = new Option<string?>("--address")
        {
            Description = "Where to reach it. Default: its floating address, else its first one.",
            HelpName = "ADDRESS",
        };
        var ttl = new Option<string?>("--ttl") { Description = "How long the certificate is good. Default: 5m.", HelpName = "TIME" };
        command.Arguments.Add(server);
        command.Arguments.Add(rest);
        foreach (var option in new Option[] { login, root, identity, port, address, ttl }) command.Options.Add(option);
        return app.Does(command, run =>
        {
            var (user, name) = run.Line.GetValue(server)!.Split('@', 2) is [var before, var after] ? (before, after) : (null, run.Line.GetValue(server)!);
            user = run.Line.GetValue(login) ?? user;
            return LogInAsync(run, new Asked(name, user, run.Line.GetValue(root) || user == Root, run.Line.GetValue(identity),
                run.Line.GetValue(port), run.Line.GetValue(address),
                run.Line.GetValue(ttl) is { } time ? Settings.ParseSpan(time) : null, run.Line.GetValue(rest) ?? []));
        });
    }

    static async Task<int> LogInAsync(Run run, Asked asked)
    {
        var server = (Server)await Show.GetAsync(run, Catalog.Server, asked.Server);
        if (server.State is Server.Types.State.Stopped or Server.Types.State.SoftDeleted)
            throw new UsageException($"{server.Name} does not run.", $"`monolith server start {server.Name}` starts it.");
        var address = asked.Address ?? await AddressAsync(run, server)
            ?? throw new UsageException($"{server.Name} has no address yet.", $"`monolith server events {server.Name}` shows why.");
        // Whoever else is on this machine has no way in.
        var directory = Directory.CreateTempSubdirectory("monolith-ssh-").FullName;
        try
        {
            var key = asked.Identity is { } own ? FileOf(own) : await NewKeyAsync(directory);
            var certificate = await CertifyAsync(run, server, asked, await PublicKeyAsync(key));
            var (certificateFile, knownHosts) = (Path.Combine(directory, "certificate.pub"), Path.Combine(directory, "known_hosts"));
            await File.WriteAllTextAsync(certificateFile, certificate.Certificate + "\n", run.Cancel);
            await File.WriteAllTextAsync(knownHosts, certificate.KnownHosts + "\n", run.Cancel);
            var code = await Child.RunAsync(run.Around.Variable("MONOLITH_SSH") ?? "ssh",
                [.. Options(key, certificateFile, knownHosts, certificate.HostKeyAlias, asked), $"{asked.User ?? certificate.LoginName}@{address}", .. asked.Rest],
                Missing);
            if (code == SshFailed)
                run.Around.Error.WriteLine($"ssh could not log in, or lost the server. A server whose image does not ask the metadata service knows "
                    + $"nothing of certificates; `monolith server log {asked.Server}` shows what its guest says.");
            return code;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Nothing is asked of anybody: neither what a fingerprint means, nor a password.</summary>
    static IEnumerable<string> Options(string key, string certificate, string knownHosts, string alias, Asked asked)
    {
        string[] settings =
        [
            $"CertificateFile={certificate}", "IdentitiesOnly=yes", "PreferredAuthentications=publickey", $"HostKeyAlias={alias}",
            $"UserKnownHostsFile={knownHosts}", "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes", "UpdateHostKeys=no",
            "CheckHostIP=no", "ConnectTimeout=10",
            .. asked.Identity is null ? ["IdentityAgent=none"] : Array.Empty<string>(),
            .. asked.Port is { } port ? [$"Port={port.ToString(CultureInfo.InvariantCulture)}"] : Array.Empty<string>(),
        ];
        return settings.SelectMany(s => new[] { "-o", s }).Concat(["-i", key]);
    }

    static async Task<LoginCertificate> CertifyAsync(Run run, Server server, Asked asked, string publicKey) =>
        await run.Calls.UnaryAsync<LoginCertificate>(LoginService.Descriptor.FindMethodByName("CreateLoginCertificate"),
            new CreateLoginCertificateRequest
            {
                Parent = server.Name,
                LoginCertificate = new()
                {
                    PublicKey = publicKey,
                    AsRoot = asked.AsRoot,
                    Ttl = asked.Ttl is { } ttl ? Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(ttl) : null,
                },
            }, run.Cancel);

    /// <summary>The one that it is known by outside, if any. Whoever may not see those has no use for one.</summary>
    static async Task<string?> AddressAsync(Run run, Server server)
    {
        try
        {
            var parent = server.Name[..server.Name.IndexOf("/servers/", StringComparison.Ordinal)];
            var floating = await run.Calls.UnaryAsync<ListFloatingAddressesResponse>(
                FloatingAddressService.Descriptor.FindMethodByName("ListFloatingAddresses"),
                new ListFloatingAddressesRequest { Parent = parent, Filter = $"owner = \"{server.Name}\"" }, run.Cancel);
            if (floating.FloatingAddresses.FirstOrDefault(f => f.State == FloatingAddress.Types.State.Active) is { } active) return active.Address;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.PermissionDenied)
        {
        }
        return server.Addresses.FirstOrDefault();
    }

    static async Task<string> NewKeyAsync(string directory)
    {
        var path = Path.Combine(directory, "key");
        return await Child.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], Missing) == 0
            ? path
            : throw new UsageException("ssh-keygen made no key.", "Give one of your own: --identity FILE.");
    }

    static string FileOf(string text) => text.StartsWith("~/", StringComparison.Ordinal)
        ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), text[2..])
        : text;

    static async Task<string> PublicKeyAsync(string key)
    {
        var path = key.EndsWith(".pub", StringComparison.Ordinal) ? key : key + ".pub";
        return File.Exists(path)
            ? (await File.ReadAllTextAsync(path)).Trim()
            : throw new UsageException($"{path} is not there.", $"`ssh-keygen -y -f {key} > {path}` makes it from the private key.");
    }
}
