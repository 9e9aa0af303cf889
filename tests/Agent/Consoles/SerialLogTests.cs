using System.Text;
using CsCheck;
using Monolith.Agent.Consoles;
using Monolith.Agent.Tests.Vms;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Consoles;

/// <summary>A log that is appended to and cut while it is read.</summary>
public sealed class SerialLogTests
{
    private const int Limit = 2000;

    /// <summary>
    /// However writing, cutting and reading follow each other: what a reader gets is the end of what was written; a reader
    /// that keeps up misses nothing, and the files stay in bounds.
    /// </summary>
    [Fact]
    public Task WhatIsRead_IsWhatWasWritten_AcrossCuts() => Gen.Select(
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 900]).Array[1, 40], Gen.Int[0, 1500]).SampleAsync(async (steps, before) =>
    {
        using var scratch = new Scratch();
        var path = scratch.In("serial.log");
        var written = new StringBuilder();
        // An earlier agent's.
        if (before > 0) await File.WriteAllTextAsync(path + ".1", Numbers(written, before));
        var log = new SerialLog(new VmId("log"), path);
        var steady = new List<byte>();
        using var stop = new CancellationTokenSource();
        await using var reader = log.ReadAsync(-1, new TaskCompletionSource().Task, TimeProvider.System, stop.Token)
            .GetAsyncEnumerator(stop.Token);
        var pending = reader.MoveNextAsync().AsTask();
        foreach (var (act, size) in steps)
        {
            if (act == 3) log.Bound(Limit);
            else await File.AppendAllTextAsync(path, Numbers(written, size));
            log.Nudge();
            while (steady.Count < written.Length)
            {
                Assert.True(await pending.WaitAsync(TimeSpan.FromSeconds(30)));
                steady.AddRange(reader.Current.ToArray());
                pending = reader.MoveNextAsync().AsTask();
            }
        }

        Assert.Equal(written.ToString(), Encoding.ASCII.GetString([.. steady]));
        log.Bound(Limit);
        Assert.All([path, path + ".1"], file => Assert.True(!File.Exists(file) || new FileInfo(file).Length <= Limit));
        var late = new List<byte>();
        await foreach (var bytes in log.ReadAsync(-1, Task.CompletedTask, TimeProvider.System, default))
            late.AddRange(bytes.ToArray());
        Assert.EndsWith(Encoding.ASCII.GetString([.. late]), written.ToString(), StringComparison.Ordinal);
        Assert.True(late.Count >= Math.Min(written.Length, Limit));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending);
    }, iter: 50);

    /// <summary>What was cut meanwhile is passed over, and nothing is told twice.</summary>
    [Fact]
    public async Task ASlowReader_GoesOnWithTheOldestThatIsKept()
    {
        using var scratch = new Scratch();
        var path = scratch.In("serial.log");
        var log = new SerialLog(new VmId("log"), path);
        await File.WriteAllTextAsync(path, new string('a', 50_000), TestContext.Current.CancellationToken);
        await using var reader = log.ReadAsync(-1, Task.CompletedTask, TimeProvider.System, default).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(ConsoleLog.ChunkBytes, reader.Current.Length);
        log.Bound(Limit);
        await File.AppendAllTextAsync(path, new string('b', 3000), TestContext.Current.CancellationToken);
        var rest = new StringBuilder();
        while (await reader.MoveNextAsync()) rest.Append(Encoding.ASCII.GetString(reader.Current.Span));
        Assert.Equal(new string('a', Limit) + new string('b', 3000), rest.ToString());
    }

    private static string Numbers(StringBuilder written, int size)
    {
        var text = new StringBuilder();
        while (text.Length < size) text.Append(written.Length + text.Length).Append('\n');
        written.Append(text);
        return text.ToString();
    }
}
