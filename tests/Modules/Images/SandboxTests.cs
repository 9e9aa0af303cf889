using System.Net;
using System.Net.Sockets;
using Monolith.Image.Conversion;

namespace Monolith.Modules.Tests.Images;

/// <summary>What a program may that a tenant's bytes have taken over: nothing but read the one file and write the other.</summary>
public sealed class SandboxTests : IDisposable
{
    readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("monolith-");
    readonly Sandbox sandbox;
    readonly string source, target;

    public SandboxTests()
    {
        sandbox = new Sandbox(directory.FullName);
        (source, target) = (Path.Combine(directory.FullName, "source"), Path.Combine(directory.FullName, "target"));
        File.WriteAllText(source, "of a tenant");
        File.SetUnixFileMode(source, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(target, "");
    }

    public void Dispose()
    {
        directory.Delete(recursive: true);
    }

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    Task<SandboxResult> RunAsync(string script, SandboxLimits? limits = null) => sandbox.RunAsync(
        ["/usr/bin/bash", "-c", script], source, target, limits ?? new(1 << 20, 1 << 30, TimeSpan.FromMinutes(1)), Stop);

    [Fact]
    public async Task ItReadsTheOneFile_WritesTheOther_AndSeesNoMore()
    {
        Assert.Null(await sandbox.MissingAsync(Stop));
        var result = await RunAsync("cat /source > /target; ls -A / ; ls -A /dev; echo; cat /etc/passwd || ls /proc || ls /root");
        Assert.Equal("of a tenant", await File.ReadAllTextAsync(target, Stop));
        var seen = result.Output.Split("\n\n")[0].Split('\n');
        Assert.Equal(["bin", "dev", "lib", "lib64", "null", "sbin", "source", "target", "usr"],
            seen.Order(StringComparer.Ordinal));
        Assert.NotEqual(0, result.ExitCode);
        // What it was given is as it was.
        Assert.Equal(["source", "target"], directory.EnumerateFileSystemInfos().Select(f => f.Name).Order(StringComparer.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            File.GetUnixFileMode(target));
    }

    [Theory]
    [InlineData("echo x > /source")]
    [InlineData("echo x > /new")]
    [InlineData("echo x > /usr/new")]
    [InlineData("rm /target")]
    [InlineData("mount -t tmpfs none /usr")]
    [InlineData("unshare --net true")]
    [InlineData("chroot / true")]
    [InlineData("setpriv --reuid=0 true")]
    [InlineData("kill -9 1")]
    [InlineData("mknod /target b 8 0")]
    public async Task ItMayDoNothingElse(string script)
    {
        var result = await RunAsync(script);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal("of a tenant", await File.ReadAllTextAsync(source, Stop));
    }

    [Fact]
    public async Task ItIsNobody_WithoutCapabilities_AndCanNotGetAny()
    {
        var result = await RunAsync("id -u; setpriv --dump");
        var lines = result.Output.Split('\n');
        Assert.Equal(Environment.IsPrivilegedProcess ? "65534" : "0", lines[0]);
        Assert.Contains("no_new_privs: 1", result.Output, StringComparison.Ordinal);
        Assert.Contains("Inheritable capabilities: [none]", result.Output, StringComparison.Ordinal);
        Assert.Contains("Capability bounding set: [none]", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ItHasNoNetwork()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var result = await RunAsync($"echo x > /dev/tcp/127.0.0.1/{((IPEndPoint)listener.LocalEndpoint).Port}");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("unreachable", result.Output, StringComparison.Ordinal);
        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task ItWritesNoMoreThanItMay()
    {
        var result = await RunAsync("yes | head -c 2000000 > /target");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal(1 << 20, new FileInfo(target).Length);
    }

    [Fact]
    public async Task ItTakesNoMoreMemoryThanItMay()
    {
        const string Takes = "dd if=/source of=/dev/null bs=300M count=1";
        var result = await RunAsync(Takes, new(1 << 20, 200 << 20, TimeSpan.FromMinutes(1)));
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("memory exhausted", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(Takes, new(1 << 20, 1 << 30, TimeSpan.FromMinutes(1)))).ExitCode);
    }

    [Fact]
    public async Task ItEndsAtItsDeadline_WithAllThatItStarted()
    {
        var mark = Guid.NewGuid().ToString("N");
        await Assert.ThrowsAsync<TimeoutException>(() => RunAsync($"(exec -a {mark} sleep 1000) & exec -a {mark} sleep 1000",
            new(1 << 20, 1 << 30, TimeSpan.FromSeconds(1))));
        await GoneAsync(mark);
    }

    [Fact]
    public async Task ItEndsWhenNobodyWantsItAnyMore()
    {
        var mark = Guid.NewGuid().ToString("N");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var running = sandbox.RunAsync(["/usr/bin/bash", "-c", $"echo > /target; exec -a {mark} sleep 1000"], source, target,
            new(1 << 20, 1 << 30, TimeSpan.FromMinutes(1)), stop.Token);
        using (var look = new PeriodicTimer(TimeSpan.FromMilliseconds(10)))
            while (!running.IsCompleted && !IsRunning(mark)) await look.WaitForNextTickAsync(Stop);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await GoneAsync(mark);
    }

    [Fact]
    public async Task WhatItSays_IsHeard_WithinReason()
    {
        var result = await RunAsync("echo one; echo two >&2; yes | head -c 1000000; exit 7");
        Assert.Equal(7, result.ExitCode);
        Assert.Contains("two", result.Output, StringComparison.Ordinal);
        Assert.True(result.Output.Length <= 8 * 1024);
    }

    static async Task GoneAsync(string mark)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (IsRunning(mark)) await look.WaitForNextTickAsync(limit.Token);
    }

    static bool IsRunning(string mark) => Directory.EnumerateDirectories("/proc").Any(d =>
    {
        try
        {
            return File.ReadAllText(d + "/cmdline").Contains(mark + "\0", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });
}
