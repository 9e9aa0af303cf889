using System.IO.Pipelines;
using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Monolith.Cli.Session;
using Monolith.Cli.Tests.Fake;
using Monolith.Compute.V1;

namespace Monolith.Cli.Tests;

/// <summary>At a server's console, with a terminal and with pipes; its log; its screen.</summary>
public sealed class ConsoleTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>A terminal, and whether it is raw.</summary>
    sealed class Terminal : IDisposable
    {
        readonly Pipe keys = new();

        public Terminal() => Keys = keys.Reader.AsStream();

        public Stream Keys { get; }

        public bool IsRaw { get; private set; }

        public int Times { get; private set; }

        public IDisposable Enter()
        {
            (IsRaw, Times) = (true, Times + 1);
            return this;
        }

        public async Task PressAsync(string keys) => await this.keys.Writer.WriteAsync(Encoding.UTF8.GetBytes(keys));

        public void Dispose() => IsRaw = false;
    }

    static Shell At(Cloud cloud, Terminal terminal) => new()
    {
        Environment = { ["MONOLITH_ENDPOINT"] = cloud.Endpoint, ["MONOLITH_PROJECT"] = "demo" },
        Input = terminal.Keys,
        RawInput = terminal.Enter,
    };

    static Shell Piped(Cloud cloud, string input, TimeProvider? time = null) => new()
    {
        Environment = { ["MONOLITH_ENDPOINT"] = cloud.Endpoint, ["MONOLITH_PROJECT"] = "demo" },
        Input = new MemoryStream(Encoding.UTF8.GetBytes(input)),
        Time = time ?? TimeProvider.System,
    };

    static string Shown(Shell shell)
    {
        lock (shell.Bytes) return Encoding.UTF8.GetString(shell.Bytes.ToArray());
    }

    [Fact]
    public async Task ATerminal_IsRawWhileItIsConnected_AndLeavesByItsEscapeKey()
    {
        await using var cloud = await Cloud.StartAsync();
        cloud.Consoles.Greeting = "web1 login: ";
        using var terminal = new Terminal();
        using var shell = At(cloud, terminal);
        var sitting = shell.RunAsync("server", "console", "web1", "--lines", "7");
        await cloud.Consoles.Connected;
        // Ctrl-C is the guest's; what is after the escape key is nobody's.
        await terminal.PressAsync("root\r\u0003");
        await terminal.PressAsync("bye\u001dnot this");
        var outcome = await sitting.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(ExitCode.Done, outcome.Code);
        var request = Assert.IsType<ConnectConsoleRequest>(Assert.Single(cloud.Consoles.Requests));
        Assert.Equal(("projects/demo/servers/web1", 7), (request.Name, request.TailLines));
        Assert.StartsWith("web1 login: ", Shown(shell), StringComparison.Ordinal);
        Assert.Contains("Ctrl-] leaves it", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("Left the console of web1.", outcome.Error, StringComparison.Ordinal);
        Assert.Equal((false, 1), (terminal.IsRaw, terminal.Times));
        Assert.DoesNotContain("not this", cloud.Consoles.Typed.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhenTheServerEndsIt_TheTerminalIsAsBefore_AndTheCauseIsTold()
    {
        await using var cloud = await Cloud.StartAsync();
        cloud.Consoles.Ends = ("poweroff", new RpcException(new Status(StatusCode.FailedPrecondition, "web1 has just stopped.")));
        using var terminal = new Terminal();
        using var shell = At(cloud, terminal);
        var sitting = shell.RunAsync("server", "console", "web1");
        await cloud.Consoles.Connected;
        await terminal.PressAsync("poweroff\r");
        var outcome = await sitting.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(ExitCode.Refused, outcome.Code);
        Assert.Contains("web1 has just stopped.", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("POWEROFF\r", Shown(shell));
        Assert.Equal((false, 1), (terminal.IsRaw, terminal.Times));
    }

    [Fact]
    public async Task WhoIsRefused_HasATerminalThatNothingWasDoneTo_AndIsAskedForOnce()
    {
        await using var cloud = await Cloud.StartAsync();
        cloud.Consoles.Refusal = new RpcException(new Status(StatusCode.Unavailable, "its hypervisor is not connected"));
        using var terminal = new Terminal();
        using var shell = At(cloud, terminal);
        var outcome = await shell.RunAsync("server", "console", "web1");
        Assert.Equal(ExitCode.TryLater, outcome.Code);
        Assert.Contains("its hypervisor is not connected", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(0, terminal.Times);
        Assert.Single(cloud.Consoles.Requests);
    }

    [Fact]
    public async Task APipe_IsTypedToItsEnd_AndTheAnswersAreWaitedFor()
    {
        await using var cloud = await Cloud.StartAsync();
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        // Ctrl-] is a byte like any other there.
        using var shell = Piped(cloud, "uptime\u001d\r", clock);
        var piping = shell.RunAsync("server", "console", "web1");
        var late = DateTime.UtcNow + Patience;
        while (!piping.IsCompleted && DateTime.UtcNow < late)
        {
            if (Shown(shell) == "UPTIME\u001d\r") clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        var outcome = await piping.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal("UPTIME\u001d\r", Shown(shell));
        Assert.DoesNotContain("Ctrl-]", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALog_IsShownAsItIs_AndFollowedForAsLongAsIsSaid()
    {
        await using var cloud = await Cloud.StartAsync();
        cloud.Consoles.Greeting = "[    0.000000] Linux\r\n\u001b[32mOK\u001b[0m\r\n";
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var shell = Piped(cloud, "", clock);
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("server", "log", "web1")).Code);
        Assert.Equal(cloud.Consoles.Greeting, Shown(shell));
        var following = shell.RunAsync("server", "log", "web1", "--follow", "--lines", "2", "--timeout", "5m");
        while (cloud.Consoles.Requests.Count < 2) await Task.Yield();
        Assert.False(following.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((ExitCode.Done, ""), ((await following).Code, (await following).Error));
        var requests = cloud.Consoles.Requests.Cast<ReadConsoleLogRequest>().ToList();
        Assert.Equal((false, false, true, 2),
            (requests[0].HasTailLines, requests[0].Follow, requests[1].Follow, requests[1].TailLines));
        Assert.Equal(ExitCode.Usage, (await shell.RunAsync("server", "log", "web1", "--lines", "-1")).Code);
    }

    [Fact]
    public async Task AScreenshot_IsAFile_OrStandardOutput()
    {
        await using var cloud = await Cloud.StartAsync();
        cloud.Consoles.Picture = [0x89, .. "PNG\r\n\x1a\n"u8, 0, 0, 0, 13, .. "IHDR"u8, 0, 0, 2, 208, 0, 0, 1, 144];
        using var shell = Piped(cloud, "");
        var outcome = await shell.RunAsync("server", "screenshot", "web1", shell.FileAt("web1.png"));
        Assert.Equal(ExitCode.Done, outcome.Code);
        Assert.Equal(shell.FileAt("web1.png") + ", 720 x 400\n", outcome.Out);
        Assert.Equal(cloud.Consoles.Picture, await File.ReadAllBytesAsync(shell.FileAt("web1.png"), TestContext.Current.CancellationToken));
        Assert.Equal(ExitCode.Done, (await shell.RunAsync("server", "screenshot", "web1", "-")).Code);
        Assert.Equal(cloud.Consoles.Picture, shell.Bytes.ToArray());
        Assert.Equal(ExitCode.Usage,
            (await shell.RunAsync("server", "screenshot", "web1", shell.FileAt("none/web1.png"))).Code);
    }
}
