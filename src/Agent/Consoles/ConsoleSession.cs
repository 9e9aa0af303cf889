using Google.Protobuf;
using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using Kind = Monolith.Agent.V1.OpenSession.Types.Kind;

namespace Monolith.Agent.Consoles;

/// <summary>
/// One session, once the host was told which.
/// <code>
///   console      ─▶ data (empty: connected) ─▶ data… ─▶ end      ◀─ what is typed
///   log          ─▶ data… ─▶ end
///   screenshot   ─▶ data… ─▶ end
/// </code>
/// The host's <c>close</c>, or the loss of the call, ends everything at once.
/// </summary>
internal sealed class ConsoleSession(
    OpenSession wanted, IVmConsoles consoles, AsyncDuplexStreamingCall<CarrySessionRequest, CarrySessionResponse> call,
    TimeProvider time, CancellationTokenSource ended)
{
    // The host answers the last word by ending the call.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(10);

    public async Task RunAsync()
    {
        var line = new TaskCompletionSource<ISerialLine>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listening = ListenAsync(line.Task);
        try
        {
            var end = await ServeAsync(line);
            line.TrySetException(new IOException("the console is closed"));
            _ = line.Task.Exception; // Seen, also when nobody typed.
            await SayAsync(new CarrySessionRequest { End = end });
            await call.RequestStream.CompleteAsync();
            await listening.WaitAsync(Farewell, time, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            await ended.CancelAsync();
            line.TrySetCanceled(CancellationToken.None);
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Why there is no more to say.</returns>
    private async Task<SessionEnd> ServeAsync(TaskCompletionSource<ISerialLine> line)
    {
        try
        {
            var id = VmId.IsValid(wanted.Vm) ? new VmId(wanted.Vm) : default;
            switch (wanted.Kind)
            {
                case Kind.Console:
                    return await ConsoleAsync(id, line);
                case Kind.Log:
                    await LogAsync(id, wanted.Follow ? Task.Delay(Timeout.Infinite, ended.Token) : Task.CompletedTask);
                    return Done;
                case Kind.Screenshot:
                    await DataAsync(await consoles.TakeScreenshotAsync(id, ended.Token));
                    return Done;
                default:
                    return EndOf(
                        SessionEnd.Types.Cause.Failed, $"This agent knows no session of kind {wanted.Kind}: update it.");
            }
        }
        catch (VmException e)
        {
            return EndOf(CauseOf(e.Reason), e.Message + ".");
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            return EndOf(SessionEnd.Types.Cause.Failed, $"The console could not be read: {e.Message}.");
        }
    }

    private async Task<SessionEnd> ConsoleAsync(VmId id, TaskCompletionSource<ISerialLine> line)
    {
        await using var connected = await consoles.ConnectAsync(id, ended.Token);
        await SayAsync(new CarrySessionRequest { Data = ByteString.Empty });
        await LogAsync(id, connected.Closed, begun: () => line.TrySetResult(connected));
        // Why it was closed is why there is no other: unless it was started again meanwhile.
        await (await consoles.ConnectAsync(id, ended.Token)).DisposeAsync();
        return EndOf(SessionEnd.Types.Cause.NotRunning, "The server was restarted.");
    }

    /// <param name="begun">Told when it is settled where the log begins: whoever types from then on sees the answer.</param>
    private async Task LogAsync(VmId id, Task until, Action? begun = null)
    {
        await using var log = consoles.ReadLogAsync(id, wanted.TailLines, until, ended.Token).GetAsyncEnumerator(ended.Token);
        var next = log.MoveNextAsync();
        begun?.Invoke();
        while (await next)
        {
            await SayAsync(new CarrySessionRequest { Data = ByteString.CopyFrom(log.Current.Span) });
            next = log.MoveNextAsync();
        }
    }

    private async Task DataAsync(byte[] all)
    {
        foreach (var part in all.Chunk(ConsoleLog.ChunkBytes))
            await SayAsync(new CarrySessionRequest { Data = UnsafeByteOperations.UnsafeWrap(part) });
    }

    private Task SayAsync(CarrySessionRequest message) => call.RequestStream.WriteAsync(message, ended.Token);

    /// <summary>What is typed, in its order, as fast as the guest reads it.</summary>
    private async Task ListenAsync(Task<ISerialLine> line)
    {
        try
        {
            while (await call.ResponseStream.MoveNext(ended.Token) && !call.ResponseStream.Current.Close)
                await (await line).WriteAsync(call.ResponseStream.Current.Data.Memory, ended.Token);
        }
        catch (IOException)
        {
            // The vm has ended; what it said last is still being sent.
            await DrainAsync();
        }
        finally
        {
            await ended.CancelAsync();
        }
    }

    private async Task DrainAsync()
    {
        while (await call.ResponseStream.MoveNext(ended.Token) && !call.ResponseStream.Current.Close)
        {
        }
    }

    private static SessionEnd Done { get; } = new() { Cause = SessionEnd.Types.Cause.Done };

    private static SessionEnd EndOf(SessionEnd.Types.Cause cause, string message) =>
        new() { Cause = cause, Message = message };

    private static SessionEnd.Types.Cause CauseOf(VmFailure reason) => reason switch
    {
        VmFailure.NotRunning => SessionEnd.Types.Cause.NotRunning,
        VmFailure.NotFound or VmFailure.Migrating => SessionEnd.Types.Cause.NotHere,
        VmFailure.NoDevice => SessionEnd.Types.Cause.NoDevice,
        _ => SessionEnd.Types.Cause.Failed,
    };
}
