using System.Net.Sockets;
using System.Text.Json;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>
/// One QEMU process that we started or adopted, and our line to its monitor. It lives on when this object is let go.
/// <code>
///   Exited      the process has ended                     (pidfd)
///   GuestDown   its guest powered off; QEMU is paused      (event SHUTDOWN, or status on adoption)
/// </code>
/// The ladder down: power button, pressed anew while the guest has time ─► quit ─► SIGKILL.
/// </summary>
internal sealed class QemuProcess : IAsyncDisposable
{
    private static readonly TimeSpan CommandDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PressEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryEvery = TimeSpan.FromMilliseconds(10);

    private readonly ProcessHandle handle;
    private readonly ProcessDirectory directory;
    private readonly TimeProvider time;
    private readonly string monitorSocket;
    private readonly Action<VmEventKind, string> report;
    private readonly TaskCompletionSource guestDown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private QmpMonitor? monitor;

    public QemuProcess(
        ProcessHandle handle, string directory, TimeProvider time, Action<VmEventKind, string> report,
        string monitorSocket = VmCommandLine.MonitorSocket)
    {
        this.monitorSocket = monitorSocket;
        this.handle = handle;
        this.directory = ProcessDirectory.Open(directory);
        this.time = time;
        this.report = report;
    }

    public ProcessIdentity Identity => handle.Identity;

    public Task<ProcessExit> Exited => handle.Exited;

    public Task GuestDown => guestDown.Task;

    public bool IsConnected => monitor is { Closed.IsCompleted: false };

    public QmpCommands Commands => new(
        monitor ?? throw new QmpProtocolException("there is no connection to QEMU's monitor"), CommandDeadline);

    public QmpMigration Migration => new(
        monitor ?? throw new QmpProtocolException("there is no connection to QEMU's monitor"), CommandDeadline);

    public QmpCards Cards => new(
        monitor ?? throw new QmpProtocolException("there is no connection to QEMU's monitor"), CommandDeadline);

    public QmpBackup Backup => new(
        monitor ?? throw new QmpProtocolException("there is no connection to QEMU's monitor"), CommandDeadline);

    /// <summary>Reaches the monitor, waiting for a QEMU that has only just started.</summary>
    /// <returns>QEMU's status, or null when the process ended meanwhile.</returns>
    /// <exception cref="TimeoutException">It did not answer within the deadline.</exception>
    public async Task<string?> ConnectAsync(TimeSpan deadline, CancellationToken cancellation)
    {
        if (this.monitor is not null) await this.monitor.DisposeAsync();
        this.monitor = null;
        var began = time.GetTimestamp();
        while (!Exited.IsCompleted)
        {
            var left = deadline - time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
                throw new TimeoutException($"QEMU's monitor did not answer within {deadline.TotalSeconds:0.#} s");
            try
            {
                var socket = await directory.ConnectAsync(monitorSocket, cancellation);
                this.monitor = await QmpMonitor.OpenAsync(socket, OnEvent, left, cancellation);
                var status = await Commands.QueryStatusAsync(cancellation);
                if (status == "shutdown") guestDown.TrySetResult();
                return status;
            }
            catch (Exception e) when (e is SocketException or QmpProtocolException)
            {
                // The socket is not there yet, or QEMU is about to end: the next round tells.
                await Task.WhenAny(Exited, Task.Delay(RetryEvery, time, cancellation));
                cancellation.ThrowIfCancellationRequested();
            }
        }
        return null;
    }

    /// <param name="mode">Hard skips the guest.</param>
    /// <param name="deadline">How long the guest may take.</param>
    /// <param name="hurry">Completes when somebody wants it hard after all.</param>
    /// <param name="cancellation">Ends the wait; the process is left in whatever state it has.</param>
    /// <returns>How it went, for people.</returns>
    public async Task<string> StopAsync(
        StopMode mode, TimeSpan deadline, Task hurry, CancellationToken cancellation)
    {
        var how = "stopped on request";
        if (mode == StopMode.Graceful)
            how = await WaitForGuestAsync(deadline, hurry, cancellation) ?? "stopped on request; its guest powered off";
        await QuitAsync(cancellation);
        return how;
    }

    /// <summary>Ends QEMU itself: quit, then SIGKILL.</summary>
    public async Task QuitAsync(CancellationToken cancellation)
    {
        if (!Exited.IsCompleted && await TryAsync(c => c.QuitAsync(cancellation)))
            await Task.WhenAny(Exited, Task.Delay(CommandDeadline, time, cancellation));
        cancellation.ThrowIfCancellationRequested();
        if (!Exited.IsCompleted) handle.Kill();
        await Exited.WaitAsync(TimeSpan.FromSeconds(30), time, cancellation);
    }

    public void Kill() => handle.Kill();

    /// <returns>Null when the guest powered off; else why it was not waited for any longer.</returns>
    private async Task<string?> WaitForGuestAsync(TimeSpan deadline, Task hurry, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            if (GuestDown.IsCompleted) return null;
            if (Exited.IsCompleted) return "stopped on request; QEMU had ended by itself";
            if (hurry.IsCompleted) return "stopped on request; a later request did not wait for its guest";
            var left = deadline - time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
                return $"stopped by force: its guest did not power off within {deadline.TotalSeconds:0.#} s";
            // A guest that is still booting does not feel the button: press again.
            if (!await TryAsync(c => c.SystemPowerdownAsync(cancellation)))
                return "stopped by force: QEMU's monitor did not answer";
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny(
                Exited, GuestDown, hurry, Task.Delay(left < PressEvery ? left : PressEvery, time, over.Token));
            await over.CancelAsync();
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private async Task<bool> TryAsync(Func<QmpCommands, Task> command)
    {
        try
        {
            await command(Commands);
            return true;
        }
        catch (Exception e) when (e is QmpProtocolException or QmpCommandException or TimeoutException)
        {
            // Gone already, or does not answer: the next rung of the ladder works without an answer.
            return Exited.IsCompleted;
        }
    }

    private void OnEvent(QmpMessage.Event happened)
    {
        switch (happened.Name)
        {
            case "SHUTDOWN" when Flag(happened.Data, "guest"):
                report(VmEventKind.GuestShutdown, "its guest powered off");
                guestDown.TrySetResult();
                break;
            case "MIGRATION" or "JOB_STATUS_CHANGE" or "RESUME":
                report(VmEventKind.Migrated, "");
                break;
            case "RESET":
                report(VmEventKind.GuestReset, "");
                break;
            case "GUEST_PANICKED":
                report(VmEventKind.GuestPanicked, "the guest's kernel panicked; see its console log");
                break;
        }
    }

    private static bool Flag(JsonElement data, string name) =>
        data.ValueKind == JsonValueKind.Object && data.TryGetProperty(name, out var flag)
        && flag.ValueKind == JsonValueKind.True;

    public async ValueTask DisposeAsync()
    {
        if (monitor is not null) await monitor.DisposeAsync();
        directory.Dispose();
        handle.Dispose();
    }
}
