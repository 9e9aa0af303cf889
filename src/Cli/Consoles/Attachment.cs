using Google.Protobuf;
using Grpc.Core;
using Monolith.Cli.Nouns;
using Monolith.Cli.Session;
using Monolith.Compute.V1;

namespace Monolith.Cli.Consoles;

/// <summary>
/// This terminal, or these pipes, at a server's serial console.
/// <code>
///   standard input ─▶ server      leaves at Ctrl-], or, without a terminal, when the input has ended and the server is quiet
///   standard output ◀─ server     leaves when the server ends it, with the cause
/// </code>
/// </summary>
internal static class Attachment
{
    /// <summary>Ctrl-], as telnet has it: no program in a guest wants it.</summary>
    const byte Escape = 0x1d;

    const int MostBytes = 4096;

    // How long a server that has been given all of the input may think before it answers, and how often it may.
    static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    const int MostAnswers = 30;

    public static async Task<int> RunAsync(Run run, string server, int? tailLines)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(run.Cancel);
        using var call = run.Calls.Duplex(
            ServerConsoleService.Descriptor.FindMethodByName("ConnectConsole"), stop.Token);
        var first = new ConnectConsoleRequest { Name = server };
        if (tailLines is { } lines) first.TailLines = lines;
        await TryAsync(() => call.RequestStream.WriteAsync(first, stop.Token));
        if (!await call.ResponseStream.MoveNext(stop.Token)) return ExitCode.Done;
        var (name, raw) = (Names.Id(server), run.Around.RawInput);
        run.Around.Error.WriteLine(raw is null
            ? $"Connected to the console of {name}."
            : $"Connected to the console of {name}. Ctrl-] leaves it; Enter may be needed to see a prompt.");
        var left = false;
        using (raw?.Invoke())
            try
            {
                left = await BothAsync(run, call, raw is not null, stop.Token);
            }
            finally
            {
                await stop.CancelAsync();
            }
        run.Around.Error.WriteLine(left ? $"\nLeft the console of {name}." : $"\nThe console of {name} has ended.");
        return ExitCode.Done;
    }

    /// <returns>Whether it was left; else the server's side has ended.</returns>
    static async Task<bool> BothAsync(
        Run run, AsyncDuplexStreamingCall<IMessage, IMessage> call, bool terminal, CancellationToken cancel)
    {
        var shown = 0;
        var showing = ShowAsync();
        var typing = TypeAsync(run, call.RequestStream, terminal, cancel);
        if (await Task.WhenAny(showing, typing) == showing)
        {
            await showing;
            return false;
        }
        if (await typing) return true;
        for (var answers = 0; answers < MostAnswers; answers++)
        {
            var before = Volatile.Read(ref shown);
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            await Task.WhenAny(showing, Task.Delay(Quiet, run.Around.Time, enough.Token));
            await enough.CancelAsync();
            cancel.ThrowIfCancellationRequested();
            if (showing.IsCompleted) await showing;
            if (showing.IsCompleted || before == Volatile.Read(ref shown)) break;
        }
        return true;

        async Task ShowAsync()
        {
            await using var output = run.Around.Output();
            do
            {
                var data = ((ConnectConsoleResponse)call.ResponseStream.Current).Data;
                await output.WriteAsync(data.Memory, cancel);
                await output.FlushAsync(cancel);
                Interlocked.Increment(ref shown);
            }
            while (await call.ResponseStream.MoveNext(cancel));
        }
    }

    /// <returns>Whether it ended by the escape key; else the input is at its end, or the call takes no more.</returns>
    static async Task<bool> TypeAsync(
        Run run, IClientStreamWriter<IMessage> to, bool terminal, CancellationToken cancel)
    {
        await using var input = run.Around.Input();
        while (true)
        {
            var buffer = new byte[MostBytes];
            // Nothing ends a read of a terminal but a key: it is left behind.
            var count = await Task.Run(() => input.Read(buffer), CancellationToken.None).WaitAsync(cancel);
            var end = terminal ? Array.IndexOf(buffer, Escape, 0, count) : -1;
            var typed = buffer.AsMemory(0, end < 0 ? count : end);
            if (typed.Length > 0 && !await TryAsync(() => to.WriteAsync(
                    new ConnectConsoleRequest { Data = UnsafeByteOperations.UnsafeWrap(typed) }, cancel)))
                return false;
            if (end >= 0) return true;
            if (count > 0) continue;
            await TryAsync(to.CompleteAsync);
            return false;
        }
    }

    /// <returns>False: the host has ended the call; what it says last is the answer's to tell.</returns>
    static async Task<bool> TryAsync(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            return false;
        }
    }
}
