using Grpc.Core;
using Microsoft.Extensions.Logging;
using Monolith.Agent.V1;

namespace Monolith.Agent.Consoles;

/// <summary>
/// The sessions that this agent carries (console.proto). Each is a call of its own, so that one that is slow holds up
/// neither another nor the streams of desired state; what waits is held back at its source, by the call's flow control.
/// </summary>
internal sealed class ConsoleSessions(
    IVmConsoles consoles, Func<CallInvoker> connect, TimeProvider time, ILogger log)
{
    /// <summary>The host asks for fewer of one node.</summary>
    private const int AtOnce = 128;

    private int carried;

    /// <summary>Dials back, and returns at once. The session lives until it ends, or the agent does.</summary>
    public void Open(OpenSession wanted, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref carried) <= AtOnce)
        {
            _ = Task.Run(() => CarryAsync(wanted, cancellation), CancellationToken.None);
            return;
        }

        Interlocked.Decrement(ref carried);
        log.SessionRefused(wanted.Vm, AtOnce);
    }

    private async Task CarryAsync(OpenSession wanted, CancellationToken cancellation)
    {
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            using var call = new ConsoleService.ConsoleServiceClient(connect())
                .CarrySession(cancellationToken: ended.Token);
            await call.RequestStream.WriteAsync(new CarrySessionRequest { Session = wanted.Session }, ended.Token);
            await new ConsoleSession(wanted, consoles, call, time, ended).RunAsync();
            log.SessionEnded(wanted.Vm, wanted.Kind);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or IOException
            or InvalidOperationException)
        {
            // The viewer has left, or the host, or the agent stops: nobody is there to tell.
            log.SessionBroken(wanted.Vm, wanted.Kind, e.Message);
        }
        catch (Exception e)
        {
            log.SessionFailed(e, wanted.Vm, wanted.Kind);
        }
        finally
        {
            Interlocked.Decrement(ref carried);
        }
    }
}

internal static partial class ConsoleLogging
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "vm {vm}: a console session was refused; {most} are open")]
    public static partial void SessionRefused(this ILogger log, string vm, int most);

    [LoggerMessage(Level = LogLevel.Debug, Message = "vm {vm}: session {kind} ended")]
    public static partial void SessionEnded(this ILogger log, string vm, OpenSession.Types.Kind kind);

    [LoggerMessage(Level = LogLevel.Debug, Message = "vm {vm}: session {kind} is over: {cause}")]
    public static partial void SessionBroken(this ILogger log, string vm, OpenSession.Types.Kind kind, string cause);

    [LoggerMessage(Level = LogLevel.Error, Message = "vm {vm}: session {kind} failed unexpectedly")]
    public static partial void SessionFailed(this ILogger log, Exception fault, string vm, OpenSession.Types.Kind kind);
}
