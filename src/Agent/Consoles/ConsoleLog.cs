using System.Runtime.CompilerServices;

namespace Monolith.Agent.Consoles;

/// <summary>
/// What a guest wrote, as one row of bytes that grows at its end and is forgotten at its beginning. Positions count from
/// a beginning that is the same for one object.
/// <code>
///   forgotten │ Oldest … │ … End ◀─ the guest writes
///             └─ kept ───────────┘
/// </code>
/// </summary>
internal abstract class ConsoleLog
{
    /// <summary>What one read gives at most: a message's worth.</summary>
    public const int ChunkBytes = 32 * 1024;

    // Who is told of news looks at once; who is not looks now and then.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(2), LongestPause = TimeSpan.FromMilliseconds(250);

    private readonly Lock gate = new();
    private TaskCompletionSource? news;

    /// <summary>What is kept: from the first position up to, and without, the second.</summary>
    protected abstract (long Oldest, long End) Extent();

    /// <summary>Reads on from a position, which moves; first to the oldest that is kept, where it was forgotten.</summary>
    /// <returns>0: there is no more at the moment.</returns>
    /// <exception cref="Vms.VmException">Its VM is there no more.</exception>
    protected abstract int Read(ref long position, Span<byte> into);

    /// <summary>Something was written, or is about to be.</summary>
    public void Nudge()
    {
        lock (gate)
        {
            news?.TrySetResult();
            news = null;
        }
    }

    /// <inheritdoc cref="IVmConsoles.ReadLogAsync"/>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        int tailLines, Task until, TimeProvider time, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var buffer = new byte[ChunkBytes];
        var position = Tail(tailLines, buffer);
        var pause = FirstPause;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            // Asked before it is read: what was written until then is not missed.
            var (last, told) = (until.IsCompleted, News());
            var read = Read(ref position, buffer);
            if (read > 0)
            {
                yield return buffer.AsMemory(0, read);
                pause = FirstPause;
                continue;
            }

            if (last) yield break;
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny(told, until, Task.Delay(pause, time, over.Token));
            await over.CancelAsync();
            pause = told.IsCompleted ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Where the last lines begin. What follows the last line feed is a line, unless it is nothing.</summary>
    private long Tail(int lines, byte[] buffer)
    {
        var (oldest, end) = Extent();
        if (lines < 0) return oldest;
        if (lines == 0) return end;
        var from = end;
        while (from > oldest)
        {
            var size = (int)Math.Min(buffer.Length, from - oldest);
            var position = from -= size;
            var read = Read(ref position, buffer.AsSpan(0, size));
            // It was cut meanwhile.
            if (position - read != from) return position - read;
            for (var i = read - 1; i >= 0; i--)
                if (buffer[i] == '\n' && from + i != end - 1 && --lines == 0)
                    return from + i + 1;
        }

        return oldest;
    }

    private Task News()
    {
        lock (gate)
        {
            news ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return news.Task;
        }
    }
}
