using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Monolith.Cli.Completion;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests;

public sealed class CompletionTests
{
    static Task<IReadOnlyList<string>> CompleteAsync(Shell shell, params string[] words)
    {
        var app = new App(shell.Around());
        return Completions.OfAsync(app.Root, app.Names, words, TestContext.Current.CancellationToken);
    }

    // A clock that stands still: the deadline passes when a test says so, however slow the machine is.
    static FakeTimeProvider Clock() => new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Nouns_Verbs_AndOptions()
    {
        using var shell = new Shell();
        Assert.Contains("server", await CompleteAsync(shell, "ser"));
        Assert.Contains("create", await CompleteAsync(shell, "server", ""));
        Assert.Contains("--flavor", await CompleteAsync(shell, "server", "create", "web1", "--fl"));
        Assert.Contains("load-balancer", await CompleteAsync(shell, "pool", "create", "p", "--purpose", ""));
        Assert.DoesNotContain("complete", await CompleteAsync(shell, "comp"));
    }

    [Fact]
    public async Task NamesOfResources_AreAskedOfTheHost()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, time: Clock());
        cloud.Servers.Known.AddRange(
            [new Server { Name = "projects/demo/servers/web1" }, new Server { Name = "projects/demo/servers/db1" }]);
        Assert.Equal(["web1"], await CompleteAsync(shell, "server", "show", "we"));
    }

    [Fact]
    public async Task NamesOfResources_NotThereInTime_AreLeftOut()
    {
        await using var cloud = await Cloud.StartAsync();
        cloud.Servers.Silent = true;
        var clock = Clock();
        using var shell = Shell.Of(cloud, time: clock);
        shell.Environment["MONOLITH_PROJECT"] = "demo";

        var completing = CompleteAsync(shell, "server", "show", "");
        await cloud.Servers.Listing;
        clock.Advance(LiveNames.Patience - TimeSpan.FromMilliseconds(1));
        Assert.False(completing.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));

        var words = await completing.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.All(words, word => Assert.StartsWith("-", word, StringComparison.Ordinal));
        Assert.True(LiveNames.Patience < TimeSpan.FromMilliseconds(300));
    }

    [Fact]
    public async Task NoHost_IsNoNames()
    {
        using var shell = new Shell();
        shell.Environment["MONOLITH_ENDPOINT"] = "127.0.0.1:1";
        shell.Environment["MONOLITH_PROJECT"] = "demo";
        var words = await CompleteAsync(shell, "server", "show", "")
            .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.All(words, word => Assert.StartsWith("-", word, StringComparison.Ordinal));
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
