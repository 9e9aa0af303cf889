using System.Diagnostics;
using Monolith.Fleet.Figures;
using Monolith.Fleet.Load;
using Monolith.Fleet.Probing;

namespace Monolith.Fleet.Tests;

/// <summary>A run and its prober: the lines between them, and how either ends.</summary>
public sealed class ProbingTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    static readonly ProbeOrder Nothing = new("127.0.0.1:1", "none", new ProbeShape());

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
    public async Task AProberThatDies_IsSaidAtTheRoundsEnd()
    {
        await using var probes = await Probes.StartAsync(Nothing, new Alive(), Cancel);
        using var process = Process.GetProcessById(probes.Pid);
        process.Kill();
        await process.WaitForExitAsync(Cancel).WaitAsync(Patience, Cancel);
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => probes.EndAsync("x", new Board(), Cancel));
        Assert.Contains("monolith-fleet probe", thrown.Message);
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
