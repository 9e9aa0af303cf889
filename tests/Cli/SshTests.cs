using Grpc.Core;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;
using Monolith.Network.V1;

namespace Monolith.Cli.Tests;

/// <summary><c>monolith ssh</c>, with a program in ssh's place that writes down what it is given.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class SshTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Guest_IsWhoLogsIn_ByAKeyThatIsGoneAfterwards()
    {
        await using var cloud = await StartAsync();
        using var shell = Shell.Of(cloud);
        var outcome = await RunAsync(shell, "ssh", "web1", "-p", "demo", "--", "-t", "uptime");
        Assert.Equal((7, ""), (outcome.Code, outcome.Error));
        var given = await GivenAsync(shell);
        Assert.Equal(["guest@10.0.0.7", "-t", "uptime"], given[^3..]);
        Assert.Contains("StrictHostKeyChecking=yes", given);
        Assert.Contains("HostKeyAlias=uid", given);
        Assert.Contains("IdentityAgent=none", given);
        Assert.Equal("signed\n", await File.ReadAllTextAsync(shell.FileAt("certificate.pub"), Stop));
        Assert.Equal("@cert-authority uid key\n", await File.ReadAllTextAsync(shell.FileAt("known_hosts"), Stop));
        var asked = Assert.Single(cloud.Logins.Asked);
        Assert.Equal(("projects/demo/servers/web1", false), (asked.Parent, asked.LoginCertificate.AsRoot));
        Assert.StartsWith("ssh-ed25519 ", asked.LoginCertificate.PublicKey, StringComparison.Ordinal);
        var directory = Path.GetDirectoryName(given.First(g => g.StartsWith("CertificateFile=", StringComparison.Ordinal))["CertificateFile=".Length..]);
        Assert.False(Directory.Exists(directory));
        Assert.Equal("700", (await File.ReadAllTextAsync(shell.FileAt("mode"), Stop)).Trim());
    }

    [Theory]
    [InlineData("root@10.0.0.7", true, "root@web1")]
    [InlineData("root@10.0.0.7", true, "web1", "--root")]
    [InlineData("root@10.0.0.7", true, "web1", "-l", "root")]
    [InlineData("debian@10.0.0.7", true, "debian@web1", "--root")]
    [InlineData("debian@10.0.0.7", false, "debian@web1")]
    [InlineData("guest@192.0.2.9", false, "web1", "--address", "192.0.2.9")]
    public async Task WhoLogsInWhere_IsAsTyped(string destination, bool asRoot, params string[] typed)
    {
        await using var cloud = await StartAsync();
        using var shell = Shell.Of(cloud);
        await RunAsync(shell, ["ssh", "-p", "demo", .. typed]);
        Assert.Equal(destination, (await GivenAsync(shell))[^1]);
        Assert.Equal(asRoot, Assert.Single(cloud.Logins.Asked).LoginCertificate.AsRoot);
    }

    [Fact]
    public async Task AFloatingAddress_IsTheWayIn_AndAKeyOfOnesOwnIsTaken()
    {
        await using var cloud = await StartAsync();
        cloud.FloatingAddresses.Known.Add(new() { Address = "203.0.113.5", State = FloatingAddress.Types.State.Active });
        using var shell = Shell.Of(cloud);
        await File.WriteAllTextAsync(shell.FileAt("own.pub"), "ssh-ed25519 AAAA own\n", Stop);
        await RunAsync(shell, "ssh", "web1", "-p", "demo", "--identity", shell.FileAt("own"), "--port", "2222", "--ttl", "10m");
        var given = await GivenAsync(shell);
        Assert.Equal("guest@203.0.113.5", given[^1]);
        Assert.Contains("Port=2222", given);
        Assert.DoesNotContain("IdentityAgent=none", given);
        Assert.Equal(shell.FileAt("own"), given[Array.IndexOf(given, "-i") + 1]);
        var asked = Assert.Single(cloud.Logins.Asked).LoginCertificate;
        Assert.Equal(("ssh-ed25519 AAAA own", TimeSpan.FromMinutes(10)), (asked.PublicKey, asked.Ttl.ToTimeSpan()));
    }

    [Fact]
    public async Task WhatStandsInTheWay_IsSaid_WithTheNextStep()
    {
        await using var cloud = await StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Known.Add(new() { Name = "projects/demo/servers/off", State = Server.Types.State.Stopped, Addresses = { "10.0.0.8" } });
        cloud.Servers.Known.Add(new() { Name = "projects/demo/servers/new", State = Server.Types.State.Pending });
        var outcome = await RunAsync(shell, "ssh", "off", "-p", "demo");
        Assert.Equal(ExitCode.Usage, outcome.Code);
        Assert.Contains("does not run", outcome.Error, StringComparison.Ordinal);
        outcome = await RunAsync(shell, "ssh", "new", "-p", "demo");
        Assert.Contains("has no address yet", outcome.Error, StringComparison.Ordinal);
        shell.Environment["MONOLITH_SSH"] = "/none/ssh";
        outcome = await shell.RunAsync("ssh", "web1", "-p", "demo");
        Assert.Contains("/none/ssh is not installed.", outcome.Error, StringComparison.Ordinal);
        cloud.Logins.Refusal = new RpcException(new Status(StatusCode.PermissionDenied, "users/bob lacks the permission compute.servers.login on projects/demo."));
        outcome = await RunAsync(shell, "ssh", "web1", "-p", "demo");
        Assert.Equal(ExitCode.NotAllowed, outcome.Code);
        Assert.Contains("compute.servers.login", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoMay_WhoDid_AndTheKeys_AreShown()
    {
        await using var cloud = await StartAsync();
        using var shell = Shell.Of(cloud);
        var may = await shell.RunAsync("server", "logins", "web1", "-p", "demo");
        Assert.Matches(@"ann +yes +admin +the cloud", may.Out);
        Assert.Matches(@"bob +no +visitor +projects/demo", may.Out);
        Assert.Matches(@"bob +no +SHA256:abc +77", (await shell.RunAsync("server", "logins", "web1", "-p", "demo", "--certificates")).Out);
        Assert.Equal("user-key\n", (await shell.RunAsync("login-authority", "--user-key")).Out);
        Assert.Equal("@cert-authority * host-key\n", (await shell.RunAsync("login-authority", "--known-hosts")).Out);
        Assert.Equal(4, (await shell.RunAsync("login-authority")).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("login-authority", "--known-hosts", "--user-key")).Code);
    }

    static async Task<Cloud> StartAsync()
    {
        var cloud = await Cloud.StartAsync();
        cloud.Servers.Known.Add(new() { Name = "projects/demo/servers/web1", State = Server.Types.State.Ready, Addresses = { "10.0.0.7" } });
        return cloud;
    }

    /// <summary>What takes ssh's place ends with 7.</summary>
    static async Task<Outcome> RunAsync(Shell shell, params string[] arguments)
    {
        var program = shell.FileAt("ssh");
        await File.WriteAllTextAsync(program, $$"""
            #!/bin/sh
            printf '%s\n' "$@" >'{{shell.FileAt("given")}}'
            for each; do case $each in CertificateFile=*) file=${each#*=} ;; esac; done
            cp "${file%/*}"/certificate.pub "${file%/*}"/known_hosts '{{shell.FileAt("")}}'
            stat -c %a "${file%/*}" >'{{shell.FileAt("mode")}}'
            exit 7
            """, Stop);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        shell.Environment["MONOLITH_SSH"] = program;
        return await shell.RunAsync(arguments);
    }

    static async Task<string[]> GivenAsync(Shell shell) => await File.ReadAllLinesAsync(shell.FileAt("given"), Stop);
}
