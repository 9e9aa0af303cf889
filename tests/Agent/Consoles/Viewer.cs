using System.Text;
using Monolith.Agent.Consoles;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Tests.Consoles;

/// <summary>Reads a VM's log, and remembers what it has read.</summary>
internal sealed class Viewer : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource stop = new();
    private readonly Lock gate = new();
    private readonly StringBuilder seen = new();
    private TaskCompletionSource news = New();

    public Viewer(IVmConsoles consoles, VmId id, int tailLines, Task? until = null) =>
        Ended = Task.Run(() => ReadAsync(consoles.ReadLogAsync(id, tailLines, until ?? New().Task, stop.Token)));

    /// <summary>Completes with the end of the log.</summary>
    public Task Ended { get; }

    public string Seen
    {
        get
        {
            lock (gate) return seen.ToString();
        }
    }

    /// <summary>Waits for a text; fails with what came instead.</summary>
    public async Task SeesAsync(string text)
    {
        using var patience = new CancellationTokenSource(Deadline);
        while (true)
        {
            Task waiting;
            lock (gate)
            {
                if (seen.ToString().Contains(text, StringComparison.Ordinal)) return;
                waiting = news.Task;
            }

            if (await Task.WhenAny(waiting, Ended, Task.Delay(Timeout.Infinite, patience.Token)) == waiting) continue;
            if (Seen.Contains(text, StringComparison.Ordinal)) return;
            Assert.Fail($"\"{text}\" did not come. {Ended.Status} {Ended.Exception?.Message} after: {Seen}");
        }
    }

    private async Task ReadAsync(IAsyncEnumerable<ReadOnlyMemory<byte>> log)
    {
        await foreach (var bytes in log)
        {
            Assert.InRange(bytes.Length, 1, ConsoleLog.ChunkBytes);
            lock (gate)
            {
                seen.Append(Encoding.Latin1.GetString(bytes.Span));
                news.TrySetResult();
                news = New();
            }
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }
}
