using System.Text;
using Monolith.Agent.Consoles;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Consoles;

/// <summary>
/// What the console of every hypervisor driver does alike. Its guest greets on its serial port and sends back what it
/// reads there.
/// </summary>
public abstract class ConsoleConformance : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private IVmDriver driver = null!;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected abstract string BaseImage { get; }

    /// <summary>What the guest says when it has started.</summary>
    protected abstract string Greeting { get; }

    /// <summary>A driver over the same VMs as the one opened before.</summary>
    protected abstract Task<IVmDriver> OpenAsync();

    private IVmConsoles Consoles => (IVmConsoles)driver;

    public virtual async ValueTask InitializeAsync() => driver = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var vm in await driver.ObserveAsync(CancellationToken.None))
            await driver.RemoveAsync(vm.Id, CancellationToken.None);
        await driver.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task WhatIsTyped_TheGuestReads_AndEveryViewerSeesWhatItSays()
    {
        var id = await StartedAsync("typed");
        await using var early = new Viewer(Consoles, id, -1);
        await early.SeesAsync(Greeting);
        await using var one = await Consoles.ConnectAsync(id, Stop);
        await using var other = await Consoles.ConnectAsync(id, Stop);
        await one.WriteAsync("first\r"u8.ToArray(), Stop);
        await early.SeesAsync("first");
        await using var late = new Viewer(Consoles, id, -1);
        await late.SeesAsync("first");
        // Who leaves takes nobody else's line away.
        await one.DisposeAsync();
        await other.WriteAsync("second\r"u8.ToArray(), Stop);
        await early.SeesAsync("second");
        await late.SeesAsync("second");
        Assert.Contains(Greeting, late.Seen, StringComparison.Ordinal);
        Assert.False(other.Closed.IsCompleted);
    }

    [Fact]
    public async Task ALog_IsReadFromItsLastLines()
    {
        var id = await StartedAsync("lines");
        await using var all = new Viewer(Consoles, id, -1);
        await all.SeesAsync(Greeting);
        await using (var line = await Consoles.ConnectAsync(id, Stop))
            foreach (var word in new[] { "one", "two", "three" })
            {
                await line.WriteAsync(Encoding.ASCII.GetBytes(word + "\r\n"), Stop);
                await all.SeesAsync(word);
            }

        var whole = await LogAsync(id, -1);
        Assert.Contains(Greeting, whole, StringComparison.Ordinal);
        for (var lines = 0; lines < 5; lines++)
            Assert.Equal(Last(whole, lines), await LogAsync(id, lines));
    }

    [Fact]
    public async Task WhenTheVmStops_TheLineCloses_AndItsLogIsStillThere()
    {
        var id = await StartedAsync("stopped");
        await using var line = await Consoles.ConnectAsync(id, Stop);
        await using var console = new Viewer(Consoles, id, -1, line.Closed);
        await using var following = new Viewer(Consoles, id, 0);
        await console.SeesAsync(Greeting);
        await driver.StopAsync(id, StopMode.Hard, Deadline, Stop);
        await line.Closed.WaitAsync(Deadline, Stop);
        await console.Ended.WaitAsync(Deadline, Stop);
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            // What is closed may still take a little before it says so.
            for (var i = 0; i < 100; i++) await line.WriteAsync("x"u8.ToArray(), Stop);
        });
        await RefusedAsync(VmFailure.NotRunning, () => Consoles.ConnectAsync(id, Stop));
        await RefusedAsync(VmFailure.NotRunning, () => Consoles.TakeScreenshotAsync(id, Stop));
        Assert.Contains(Greeting, await LogAsync(id, -1), StringComparison.Ordinal);
        // The log goes on with the next start, and who follows it with it.
        await driver.StartAsync(Plans.Small("stopped"), Stop);
        await following.SeesAsync(Greeting);
        await using var again = await Consoles.ConnectAsync(id, Stop);
        await again.WriteAsync("again\r"u8.ToArray(), Stop);
        await following.SeesAsync("again");
    }

    [Fact]
    public async Task AVmThatIsRemoved_EndsItsSessions()
    {
        var id = await StartedAsync("removed");
        await using var following = new Viewer(Consoles, id, -1);
        await following.SeesAsync(Greeting);
        await using var line = await Consoles.ConnectAsync(id, Stop);
        await driver.RemoveAsync(id, Stop);
        await line.Closed.WaitAsync(Deadline, Stop);
        await RefusedAsync(VmFailure.NotFound, () => following.Ended.WaitAsync(Deadline, Stop));
    }

    [Fact]
    public async Task OfWhatIsNotHere_ThereIsNoConsole()
    {
        var nobody = new VmId("nobody");
        await RefusedAsync(VmFailure.NotFound, () => Consoles.ConnectAsync(nobody, Stop));
        await RefusedAsync(VmFailure.NotFound, () => Consoles.TakeScreenshotAsync(nobody, Stop));
        await RefusedAsync(VmFailure.NotFound, () => LogAsync(nobody, -1));
        await driver.EnsureDiskAsync(Plans.Small("never"), BaseImage, Stop);
        Assert.Equal("", await LogAsync(new VmId("never"), -1));
    }

    [Fact]
    public async Task AScreenshot_IsAPng()
    {
        var id = await StartedAsync("screen");
        foreach (var png in await Task.WhenAll(
            Consoles.TakeScreenshotAsync(id, Stop), Consoles.TakeScreenshotAsync(id, Stop)))
        {
            Assert.Equal([0x89, .. "PNG\r\n\x1a\n"u8], png[..8]);
            Assert.Equal("IHDR"u8, png.AsSpan(12, 4));
            Assert.Equal("IEND"u8, png.AsSpan(png.Length - 8, 4));
        }
    }

    /// <summary>The VM was started by an agent that is gone.</summary>
    [Fact]
    public async Task ANewAgent_HasTheConsolesOfWhatItAdopts()
    {
        var id = await StartedAsync("adopted");
        await using (var before = new Viewer(Consoles, id, -1)) await before.SeesAsync(Greeting);
        await using (var left = await Consoles.ConnectAsync(id, Stop))
            await driver.DisposeAsync();
        driver = await OpenAsync();
        await using var viewer = new Viewer(Consoles, id, -1);
        await viewer.SeesAsync(Greeting);
        await using var line = await Consoles.ConnectAsync(id, Stop);
        await line.WriteAsync("adopted\r"u8.ToArray(), Stop);
        await viewer.SeesAsync("adopted");
        Assert.NotEmpty(await Consoles.TakeScreenshotAsync(id, Stop));
    }

    private async Task<VmId> StartedAsync(string id)
    {
        var plan = Plans.Small(id);
        await driver.EnsureDiskAsync(plan, BaseImage, Stop);
        await driver.StartAsync(plan, Stop);
        return plan.Id;
    }

    private async Task<string> LogAsync(VmId id, int lines)
    {
        await using var viewer = new Viewer(Consoles, id, lines, Task.CompletedTask);
        await viewer.Ended.WaitAsync(Deadline, Stop);
        return viewer.Seen;
    }

    /// <summary>A text after whose last line feed there is something has one line more.</summary>
    private static string Last(string text, int lines)
    {
        var parts = text.Split('\n');
        var kept = parts[^1].Length > 0 ? parts : parts[..^1];
        var rest = string.Join('\n', kept.TakeLast(lines));
        return lines > 0 && parts[^1].Length == 0 ? rest + "\n" : rest;
    }

    private static async Task RefusedAsync(VmFailure reason, Func<Task> call) =>
        Assert.Equal(reason, (await Assert.ThrowsAsync<VmException>(call)).Reason);
}
