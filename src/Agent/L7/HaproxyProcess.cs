using System.Net.Sockets;
using System.Text;
using Monolith.Agent.Native.Raw;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.L7;

/// <summary>
/// HAProxy in master-worker mode, started or adopted.
/// <code>
///   master ── master.sock: show proc, reload        (same pid for ever, it runs itself anew on reload)
///     ├─ worker ── stats.sock: servers at run time
///     └─ old workers, which finish their connections
/// </code>
/// A reload that fails leaves the old worker in place and counts up "failed" in the master.
/// </summary>
internal sealed class HaproxyProcess(string executable, string directory, TimeProvider time) : IDisposable
{
    private const string MasterSocket = "master.sock";
    private const int AnswerLimit = 4 * 1024 * 1024;
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ChangeDeadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryEvery = TimeSpan.FromMilliseconds(20);

    private readonly ProcessDirectory sockets = ProcessDirectory.Open(directory);
    private ProcessHandle? handle;
    private volatile bool stopping;

    /// <summary>It served and ended unasked; a worker that dies takes its master with it.</summary>
    public event Action? Ended;

    public bool IsRunning => handle is { Exited.IsCompleted: false };

    public int? Pid => IsRunning ? handle!.Identity.Pid : null;

    private string PidFile => Path.Combine(directory, "haproxy.pid");

    private string Log => Path.Combine(directory, "haproxy.log");

    public void Adopt()
    {
        if (ProcessSearch.Find("-p", PidFile) is { } found) handle = ProcessHandle.Adopt(found);
        Watch();
    }

    /// <returns>Null when a worker serves; else HAProxy's words.</returns>
    public async Task<string?> StartAsync(CancellationToken cancellation)
    {
        handle?.Dispose();
        var from = BoundLog();
        handle = ProcessHandle.Spawn(new ProcessPlan(
            executable, ["-W", "-S", $"unix@{MasterSocket},mode,600", "-f", "haproxy.cfg", "-p", PidFile],
            directory, Log));
        var refusal = await WaitAsync(processes => processes.Workers.Count > 0 ? "" : null, from, cancellation);
        if (refusal is null) Watch();
        return refusal;
    }

    /// <returns>Null when a new worker serves; else HAProxy's words, and the old one serves on.</returns>
    public async Task<string?> ReloadAsync(CancellationToken cancellation)
    {
        var from = BoundLog();
        var before = HaproxyText.Processes(await AskMasterAsync("show proc", cancellation));
        try
        {
            await AskMasterAsync("reload", cancellation);
        }
        catch (IOException)
        {
            // The master runs itself anew and cuts the connection.
        }
        return await WaitAsync(
            now => now.FailedReloads > before.FailedReloads ? "failed"
                : now.Workers.Count > 0 && !now.Workers.Any(before.Workers.Contains) ? "" : null,
            from, cancellation);
    }

    /// <summary>Ends master and workers; connections that are open end too.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        if (handle is null) return;
        stopping = true;
        if (handle.Signal(ProcessCalls.SIGTERM))
            await Task.WhenAny(handle.Exited, Task.Delay(AnswerDeadline, time, cancellation));
        cancellation.ThrowIfCancellationRequested();
        if (!handle.Exited.IsCompleted) handle.Kill();
        await handle.Exited.WaitAsync(AnswerDeadline, time, cancellation);
        handle.Dispose();
        handle = null;
    }

    /// <summary>One command to the worker.</summary>
    public Task<string> AskAsync(string command, CancellationToken cancellation) =>
        AskAsync(HaproxyConfig.StatsSocket, command, halfClose: false, cancellation);

    /// <summary>The master answers and keeps the connection, unless it sees that we are done.</summary>
    private Task<string> AskMasterAsync(string command, CancellationToken cancellation) =>
        AskAsync(MasterSocket, command, halfClose: true, cancellation);

    private async Task<string> AskAsync(
        string socketName, string command, bool halfClose, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AnswerDeadline);
        try
        {
            using var socket = await sockets.ConnectAsync(socketName, limit.Token);
            await socket.SendAsync(Encoding.UTF8.GetBytes(command + "\n"), limit.Token);
            if (halfClose) socket.Shutdown(SocketShutdown.Send);
            using var answer = new MemoryStream();
            var buffer = new byte[16 * 1024];
            int read;
            while ((read = await socket.ReceiveAsync(buffer, limit.Token)) > 0 && answer.Length < AnswerLimit)
                answer.Write(buffer, 0, read);
            return Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        }
        catch (SocketException e)
        {
            throw new IOException($"HAProxy's {socketName} does not answer: {e.Message}", e);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"HAProxy's {socketName} did not answer within {AnswerDeadline.TotalSeconds} s");
        }
    }

    /// <param name="judge">Empty: it is done. A word: it failed. Null: not yet.</param>
    private async Task<string?> WaitAsync(
        Func<HaproxyProcesses, string?> judge, long logFrom, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (time.GetElapsedTime(began) < ChangeDeadline)
        {
            if (!IsRunning) return $"HAProxy {await handle!.Exited}\n{Words(logFrom)}";
            try
            {
                var verdict = judge(HaproxyText.Processes(await AskMasterAsync("show proc", cancellation)));
                if (verdict is "") return null;
                if (verdict is not null) return Words(logFrom);
            }
            catch (IOException)
            {
                // The socket is not there yet, or the master is running itself anew.
            }
            await Task.WhenAny(handle!.Exited, Task.Delay(RetryEvery, time, cancellation));
            cancellation.ThrowIfCancellationRequested();
        }
        return $"HAProxy did not answer within {ChangeDeadline.TotalSeconds} s\n{Words(logFrom)}";
    }

    private void Watch()
    {
        stopping = false;
        handle?.Exited.ContinueWith(
            _ =>
            {
                if (!stopping) Ended?.Invoke();
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    private long BoundLog()
    {
        Vms.VmFiles.Bound(Log, 1024 * 1024);
        return File.Exists(Log) ? new FileInfo(Log).Length : 0;
    }

    private string Words(long from)
    {
        using var stream = new FileStream(Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Seek(from, SeekOrigin.Begin);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    public void Dispose()
    {
        stopping = true;
        handle?.Dispose();
        sockets.Dispose();
    }
}
