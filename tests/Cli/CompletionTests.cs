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
    public async Task Options_AreOfferedToADash_SoThatFilesCanBe()
    {
        using var shell = new Shell();
        Assert.Empty(await CompleteAsync(shell, "image", "upload", "debian", ""));
        Assert.Contains("--visibility", await CompleteAsync(shell, "image", "upload", "debian", "-"));
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
    public async Task Images_CompleteToTheirFamilies_WhereAFamilyWillDo()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, time: Clock());
        shell.Environment["MONOLITH_PROJECT"] = "demo";
        cloud.Images.Known.Add(new() { Name = "projects/demo/images/debian-1", Family = "debian" });
        cloud.Images.Known.Add(new() { Name = "projects/demo/images/debian-2", Family = "debian" });
        cloud.Images.Known.Add(new() { Name = "projects/demo/images/blank" });
        string[] all = ["blank", "debian-1", "debian-2", "family/debian"];
        Assert.Equal(all, await CompleteAsync(shell, "server", "create", "web1", "--image", ""));
        Assert.Equal(all, await CompleteAsync(shell, "server", "rebuild", "web1", "--image", ""));
        Assert.Equal(all[..3], await CompleteAsync(shell, "image", "show", ""));
    }

    [Fact]
    public async Task AvailabilityZones_AreAskedOfTheHost_AndGivenAsWords()
    {
        await using var cloud = await Cloud.StartAsync();
        using var shell = Shell.Of(cloud, time: Clock());
        Assert.Equal(["az1", "az2"], await CompleteAsync(shell, "server", "create", "web1", "--availability-zone", ""));
        Assert.Equal(["az2"], await CompleteAsync(shell, "image", "prewarm", "debian", "--zone", "az2"));
        var list = await shell.RunAsync("az", "list");
        Assert.Matches(@"az1\s+yes\n", list.Out);
        Assert.Matches(@"az2\s+no\n", list.Out);
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
        Assert.Empty(words);
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
        Assert.Empty(words);
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
        var checkedBy = await RunAsync(shell, "-n", own, script.Out);
        Assert.Equal((0, ""), (checkedBy.Code, checkedBy.Error));
    }

    // A stand-in for the binary shows which words it is asked about; lab/deps installs the shells.
    [Theory]
    [InlineData("bash", """
        monolith() { shift 2; printf '%s\n' "asked-$#-${*: -1}x"; }
        COMP_WORDS=(monolith server show "") COMP_CWORD=3 COMP_LINE='monolith server show ' COMP_POINT=21
        _monolith
        echo "${COMPREPLY[@]}"
        """)]
    [InlineData("zsh", """
        monolith() { shift 2; print "asked-${#}-${@[-1]}x" }
        compadd() { print -l -- "${(@P)2}" }
        words=(monolith server show "") CURRENT=4
        _monolith
        """, "compdef() { }")]
    [InlineData("fish", """
        function monolith; printf '%s\n' asked-(math (count $argv) - 2)-$argv[-1]x; end
        complete -C 'monolith server show '
        """)]
    public async Task Scripts_CompleteAsTyped(string shell, string typed, string before = "")
    {
        using var own = new Shell();
        var script = (await own.RunAsync("completion", shell)).Out;
        var outcome = await RunAsync(shell, "", own, $"{before}\n{script}\n{typed}\n");
        Assert.Equal((0, "asked-3-x\n", ""), (outcome.Code, outcome.Out, outcome.Error));
    }

    static async Task<Outcome> RunAsync(string shell, string option, Shell own, string script)
    {
        var file = own.FileAt(shell);
        await File.WriteAllTextAsync(file, script, TestContext.Current.CancellationToken);
        string[] options = option.Length > 0 ? [option] : [];
        using var process = Process.Start(new ProcessStartInfo(shell, [.. options, file])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new Outcome(process.ExitCode, await output, await error);
    }
}
