using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Load;
using Monolith.Fleet.Probing;

namespace Monolith.Fleet.Tests;

/// <summary>A run and its prober: the lines between them, and how either ends.</summary>
public sealed class ProbingTests
{
    static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    static readonly ProbeOrder Nothing = new("127.0.0.1:1", "none", new ProbeShape());

    // Says that it is ready, and nothing more.
    static readonly string[] Mute = ["/bin/sh", "-c", "echo ready; exec tail -f /dev/null"];

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void AnOrder_IsReadAsItWasWritten()
    {
        var order = new ProbeOrder("127.0.0.1:5080", "a \"token\"\n", new ProbeShape { Gets = 0.5, Lists = 5, Watchers = 100 });
        var line = ProbeLines.Write(order);
        Assert.DoesNotContain('\n', line);
        Assert.Equal(order, ProbeLines.Read<ProbeOrder>(line));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("Unhandled exception.")]
    public void WhatIsNoAnswer_IsSaid(string? line) =>
        Assert.Throws<FormatException>(() => ProbeLines.Read<ProbeAnswers>(line));

    [Fact]
    public void WhoFollowsNames_HearsThoseThatAre_AndEachChangeInOrder()
    {
        var (here, there) = (new Alive(), new Alive());
        here.Add("projects/a/servers/gone");
        here.Add("projects/a/servers/first");
        here.TakeOldest();
        here.Follow(Hear);
        here.Add("projects/b/servers/second");
        here.TakeOldest();
        here.Add("projects/a/servers/third");
        here.Follow(null);
        here.Add("projects/a/servers/unheard");
        Assert.Equal(2, there.Count);
        Assert.Equal("projects/b/servers/second", there.TakeOldest());
        Assert.Equal("projects/a/servers/third", there.TakeOldest());

        void Hear(string line)
        {
            if (ProbeLines.NameIn(line) is { } name) there.Add(name);
            else Assert.Equal("projects/a/servers/first", line == ProbeLines.Went ? there.TakeOldest() : line);
        }
    }

    [Fact]
    public async Task ARoundWithoutCalls_HasNoFigures()
    {
        var board = new Board();
        await using (var probes = await Probes.StartAsync(Nothing, new Alive(), Cancel))
        {
            probes.Begin(asking: true);
            await probes.EndAsync("quiet", board, Cancel);
        }
        Assert.Empty(board.Figures);
    }

    [Fact]
    public async Task AHostThatIsNotThere_IsARefusal_AndTheProberLives()
    {
        var order = Nothing with { Shape = new ProbeShape { Lists = 200 } };
        await using var probes = await Probes.StartAsync(order, new Alive(), Cancel);
        for (var round = 0; ; round++)
        {
            var board = new Board();
            probes.Begin(asking: true);
            await probes.EndAsync("away", board, Cancel);
            if (board.Figures.Count == 0 && round < 10_000) continue;
            Assert.Equal("away.probes_refused", Assert.Single(board.Figures).Name);
            return;
        }
    }

    [Fact]
    public async Task AProberThatDies_EndsWhatItAsksBeside()
    {
        await using var probes = await Probes.StartAsync(Nothing, new Alive(), Cancel);
        using var process = Process.GetProcessById(probes.Pid);
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => probes.BesideAsync(async stop =>
        {
            process.Kill();
            await Task.Delay(Patience, stop);
        }, Cancel));
        Assert.Contains("monolith-fleet probe, ended with exit code 137", thrown.Message);
    }

    [Fact]
    public async Task AProberThatFails_SaysWhy()
    {
        // No timer ticks that often: nobody expects such an exception, and it is none of a call.
        var order = Nothing with { Shape = new ProbeShape { Gets = 1e9 } };
        await using var probes = await Probes.StartAsync(order, new Alive(), Cancel);
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => probes.BesideAsync(stop => Task.Delay(Patience, stop), Cancel));
        Assert.Contains("exit code 1.", thrown.Message);
        Assert.Contains(nameof(ArgumentOutOfRangeException), thrown.Message);
    }

    [Fact]
    public async Task AProberThatIsNotThere_IsSaidAtTheStart()
    {
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => Probes.StartAsync(Nothing, new Alive(), Cancel, ["/nowhere/monolith-fleet"]));
        Assert.Contains("/nowhere/monolith-fleet", thrown.Message);
    }

    [Fact]
    public async Task AProberThatHangs_HoldsUpNobodysEnd()
    {
        var names = new Alive();
        var probes = await Probes.StartAsync(Nothing, names, Cancel, Mute);
        // More than a pipe holds, so that who writes waits.
        for (var i = 0; i < 100_000; i++) names.Add($"projects/a/servers/s{i}");
        await probes.DisposeAsync().AsTask().WaitAsync(Patience, Cancel);
    }

    [Theory]
    [InlineData("/usr/share/dotnet/dotnet", "/usr/share/dotnet/dotnet /opt/fleet/monolith-fleet.dll probe")]
    [InlineData("/opt/fleet/monolith-fleet", "/opt/fleet/monolith-fleet probe")]
    [InlineData("/opt/fleet/Monolith.Fleet.Tests", "/opt/fleet/monolith-fleet probe")]
    [InlineData(null, "/opt/fleet/monolith-fleet probe")]
    public void AProber_IsStartedAsItsRunWas(string? running, string expected) =>
        Assert.Equal(expected, string.Join(' ', Probes.CommandOf(running, "/opt/fleet")));

    [Fact]
    public void WithoutAnyProbe_NothingAsks()
    {
        Assert.False(new ProbeShape().Asks);
        ProbeShape[] some = [new() { Gets = 0.1 }, new() { Lists = 0.1 }, new() { Watchers = 1 }];
        Assert.All(some, shape => Assert.True(shape.Asks));
    }

    [Fact]
    public void AnswersCount_AfterTheFirstQuestionsOfTheirSort()
    {
        var (clock, samples) = (new FakeTimeProvider(), new Samples());
        var times = new Timekeeper(clock);
        for (var question = 0; question <= Timekeeper.LeftOut; question++)
        {
            var asked = clock.GetTimestamp();
            clock.Advance(Second);
            Assert.Empty(samples.Milliseconds);
            // Each has two answers.
            times.Answered(samples, "page", asked);
            times.Answered(samples, "page", asked);
        }
        times.Answered(samples, "empty page", clock.GetTimestamp());
        Assert.Equal([1000, 1000], samples.Milliseconds);
    }

    [Fact]
    public void AChange_CountsForItsOwnRound_HoweverLateAndWhateverCameAfterIt()
    {
        var (clock, ended, running) = (new FakeTimeProvider(), new Samples(), new Samples());
        var times = Warm(clock);
        var slow = new Change(times, ended, watchers: 2);
        clock.Advance(5 * Second);
        var quick = new Change(times, running, watchers: 2);
        clock.Advance(Second);
        foreach (var change in (Change[])[quick, slow, quick])
            for (var watcher = 0; watcher < 2; watcher++) change.Tell(watcher);
        Assert.True(slow.EndAsync(10 * Second).IsCompletedSuccessfully);
        Assert.Equal([6000, 6000], ended.Milliseconds);
        Assert.Equal([1000, 1000], running.Milliseconds);
        Assert.NotEqual(slow.Mark, quick.Mark);
    }

    [Fact]
    public async Task WhoIsNotToldOfAChange_HasWaitedUntilTheDeadline()
    {
        var (clock, samples) = (new FakeTimeProvider(), new Samples());
        var change = new Change(Warm(clock), samples, watchers: 3);
        clock.Advance(Second);
        change.Tell(1);
        var ending = change.EndAsync(10 * Second);
        Assert.False(ending.IsCompleted);
        clock.Advance(9 * Second);
        await ending.WaitAsync(Patience, Cancel);
        change.Tell(0);
        Assert.Equal([1000, 10_000, 10_000], samples.Milliseconds);
    }

    // Has seen changes.
    static Timekeeper Warm(FakeTimeProvider clock)
    {
        var times = new Timekeeper(clock);
        for (var i = 0; i < Timekeeper.LeftOut; i++)
        {
            new Change(times, new Samples(), watchers: 1).Tell(0);
            clock.Advance(Second);
        }
        return times;
    }

    [Fact]
    public async Task AProberWhoseRunIsGone_Ends()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "monolith-fleet");
        var start = new ProcessStartInfo(program, Prober.Command) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteLineAsync(ProbeLines.Write(Nothing));
        await process.StandardInput.FlushAsync(Cancel);
        Assert.Equal(ProbeLines.Ready, await process.StandardOutput.ReadLineAsync(Cancel).AsTask().WaitAsync(Patience, Cancel));
        process.StandardInput.Close();
        await process.WaitForExitAsync(Cancel).WaitAsync(Patience, Cancel);
        Assert.Equal(0, process.ExitCode);
    }
}
