using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Vms.Qmp;

/// <summary>
/// One connection to QEMU's monitor.
/// <code>
///   QEMU ── greeting ──► us            ExecuteAsync ─► request with id ─► QEMU
///   us ── qmp_capabilities ─► QEMU     reader task ◄─ return/error by id, events at any time
///   ── command mode ──                 connection lost ─► every waiter fails, Closed completes
/// </code>
/// QEMU serves one client of a monitor at a time: a second connection waits for its greeting until this one closes.
/// Events are handed to one callback on the reader's task, which must not block.
/// </summary>
internal sealed class QmpMonitor : IAsyncDisposable
{
    private readonly Stream stream;
    private readonly Socket? socket;
    private readonly Action<QmpMessage.Event> onEvent;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> waiting = new();
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly CancellationTokenSource disposed = new();
    private readonly TaskCompletionSource<QmpMessage.Greeting> greeting =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task reading = Task.CompletedTask;
    private volatile Exception? cause;
    private long lastId;

    private QmpMonitor(Stream stream, Socket? socket, Action<QmpMessage.Event> onEvent)
    {
        this.stream = stream;
        this.socket = socket;
        this.onEvent = onEvent;
    }

    /// <summary>Completes when the connection has ended, for whatever reason.</summary>
    public Task Closed => reading;

    public QmpMessage.Greeting Version => greeting.Task.Result;

    /// <summary>Takes the connection over, reads the greeting and enters command mode.</summary>
    public static Task<QmpMonitor> OpenAsync(
        Stream stream, Action<QmpMessage.Event> onEvent, TimeSpan deadline, CancellationToken cancellation) =>
        OpenAsync(new QmpMonitor(stream, null, onEvent), deadline, cancellation);

    public static Task<QmpMonitor> OpenAsync(
        Socket socket, Action<QmpMessage.Event> onEvent, TimeSpan deadline, CancellationToken cancellation) =>
        OpenAsync(new QmpMonitor(new NetworkStream(socket, ownsSocket: true), socket, onEvent), deadline, cancellation);

    private static async Task<QmpMonitor> OpenAsync(
        QmpMonitor monitor, TimeSpan deadline, CancellationToken cancellation)
    {
        try
        {
            monitor.reading = Task.Run(monitor.ReadAsync, CancellationToken.None);
            await monitor.greeting.Task.WaitAsync(deadline, cancellation);
            await monitor.ExecuteAsync("qmp_capabilities", null, deadline, cancellation);
            return monitor;
        }
        catch
        {
            await monitor.DisposeAsync();
            throw;
        }
    }

    /// <param name="arguments">Writes the members of the arguments object; null for none.</param>
    /// <param name="handle">Goes with the command; over a socket only.</param>
    /// <exception cref="QmpCommandException">QEMU refused.</exception>
    /// <exception cref="QmpProtocolException">The connection ended before the answer.</exception>
    /// <exception cref="TimeoutException">No answer within the deadline.</exception>
    public async Task<JsonElement> ExecuteAsync(
        string command, Action<Utf8JsonWriter>? arguments, TimeSpan deadline, CancellationToken cancellation,
        FileHandle? handle = null)
    {
        var id = Interlocked.Increment(ref lastId);
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[id] = answer;
        try
        {
            if (this.cause is { } cause) throw new QmpProtocolException("the connection to QEMU is closed", cause);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, disposed.Token);
            limit.CancelAfter(deadline);
            await WriteAsync(id, command, arguments, handle, limit.Token);
            return await answer.Task.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            if (disposed.IsCancellationRequested) throw new QmpProtocolException("the connection to QEMU is closed");
            throw new TimeoutException($"QEMU did not answer {command} within {deadline.TotalSeconds:0.#} s");
        }
        catch (QmpCommandException e) when (e.Command.Length == 0)
        {
            throw new QmpCommandException(command, e.ErrorClass, e.Description);
        }
        finally
        {
            waiting.TryRemove(id, out _);
        }
    }

    private async Task WriteAsync(
        long id, string command, Action<Utf8JsonWriter>? arguments, FileHandle? handle, CancellationToken cancellation)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("execute", command);
            if (arguments is not null)
            {
                writer.WriteStartObject("arguments");
                arguments(writer);
                writer.WriteEndObject();
            }
            writer.WriteNumber("id", id);
            writer.WriteEndObject();
        }
        buffer.Write("\n"u8);
        await writing.WaitAsync(cancellation);
        try
        {
            if (handle is null) await stream.WriteAsync(buffer.WrittenMemory, cancellation);
            else SocketHandles.Send(
                socket ?? throw new InvalidOperationException("A descriptor goes over a socket only."),
                buffer.WrittenSpan, handle);
        }
        catch (IOException e)
        {
            throw new QmpProtocolException("the connection to QEMU is closed", e);
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        Exception cause = new QmpProtocolException("QEMU closed its monitor");
        var reader = PipeReader.Create(stream);
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync(disposed.Token);
                var rest = result.Buffer;
                while (TryReadLine(ref rest, out var line)) Dispatch(QmpParser.Parse(line));
                if (rest.Length > QmpParser.LineLimit) throw new QmpProtocolException("QEMU sent a line without end");
                reader.AdvanceTo(rest.Start, rest.End);
                if (result.IsCompleted) break;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            cause = e as QmpProtocolException ?? new QmpProtocolException("the connection to QEMU is closed", e);
        }
        await reader.CompleteAsync();
        this.cause = cause; // Before the sweep: a request that comes after it sees the cause.
        greeting.TrySetException(cause);
        _ = greeting.Task.Exception; // Seen, also when nobody waits for it any more.
        foreach (var waiter in waiting.Values) waiter.TrySetException(cause);
    }

    private static bool TryReadLine(ref ReadOnlySequence<byte> buffer, out ReadOnlyMemory<byte> line)
    {
        line = default;
        if (buffer.PositionOf((byte)'\n') is not { } end) return false;
        var slice = buffer.Slice(0, end);
        line = slice.IsSingleSegment ? slice.First : slice.ToArray();
        buffer = buffer.Slice(buffer.GetPosition(1, end));
        return true;
    }

    private void Dispatch(QmpMessage message)
    {
        switch (message)
        {
            case QmpMessage.Greeting greeting:
                this.greeting.TrySetResult(greeting);
                break;
            case QmpMessage.Return done when waiting.TryGetValue(done.Id, out var waiter):
                waiter.TrySetResult(done.Value);
                break;
            case QmpMessage.Error { Id: { } id } error when waiting.TryGetValue(id, out var waiter):
                waiter.TrySetException(new QmpCommandException("", error.Class, error.Description));
                break;
            case QmpMessage.Event happened:
                onEvent(happened);
                break;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await disposed.CancelAsync();
        await stream.DisposeAsync();
        await reading;
    }
}
