using System.Diagnostics;
using Monolith.Cli.Completion;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests;

public sealed class CompletionTests
{
    static IReadOnlyList<string> Complete(Shell shell, params string[] words) =>
        Completions.Of(new App(shell.Around()).Root, words);

    [Fact]
    public void Nouns_Verbs_AndOptions()
    {
        using var shell = new Shell();
        Assert.Contains("server", Complete(shell, "ser"));
        Assert.Contains("create", Complete(shell, "server", ""));
        Assert.Contains("--flavor", Complete(shell, "server", "create", "web1", "--fl"));
        Assert.Contains("load-balancer", Complete(shell, "pool", "create", "p", "--purpose", ""));
        Assert.DoesNotContain("complete", Complete(shell, "comp"));
    }

    [Fact]
    public async Task NamesOfResources_AreAskedOfTheHost()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud);
        cloud.Servers.Known.AddRange(
            [new Server { Name = "projects/demo/servers/web1" }, new Server { Name = "projects/demo/servers/db1" }]);
        // The first call compiles what it runs, which may take longer than a person at a prompt is made to wait.
        Complete(shell, "server", "show", "");
        Assert.Equal(["web1"], Complete(shell, "server", "show", "we"));
    }

    [Fact]
    public void NoHost_IsNoNamesSoon()
    {
        using var shell = new Shell();
        shell.Environment["MONOLITH_ENDPOINT"] = "127.0.0.1:1";
        shell.Environment["MONOLITH_PROJECT"] = "demo";
        var began = Stopwatch.GetTimestamp();
        Assert.DoesNotContain(Complete(shell, "server", "show", ""), word => !word.StartsWith('-'));
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Scripts_AreWhatTheShellAccepts(string shell)
    {
        using var own = new Shell();
        var script = await own.RunAsync("completion", shell);
        Assert.Equal(0, script.Code);
        Assert.Contains("complete -- ", script.Out, StringComparison.Ordinal);
        if (!File.Exists($"/usr/bin/{shell}"))
            return;
        using var checker = Process.Start(new ProcessStartInfo($"/usr/bin/{shell}", "-n")
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
        })!;
        await checker.StandardInput.WriteAsync(script.Out);
        checker.StandardInput.Close();
        var errors = await checker.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await checker.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(checker.ExitCode == 0, errors);
    }

    [Fact]
    public async Task TheBashScript_CompletesAsTyped()
    {
        using var own = new Shell();
        var script = (await own.RunAsync("completion", "bash")).Out;
        // A stand-in for the binary shows which words it is asked about.
        await File.WriteAllTextAsync(own.FileAt("run"), script + """

            monolith() { shift 2; printf '%s\n' "asked-$#-${*: -1}x"; }
            COMP_WORDS=(monolith server show "") COMP_CWORD=3 COMP_LINE='monolith server show ' COMP_POINT=21
            _monolith
            echo "${COMPREPLY[@]}"
            """, TestContext.Current.CancellationToken);
        using var bash = Process.Start(
            new ProcessStartInfo("bash", own.FileAt("run")) { RedirectStandardOutput = true })!;
        var output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("asked-3-x\n", output);
    }
}
