using System.Text.Json;

namespace Monolith.Agent.Vms.Qmp;

/// <summary>The commands that we send, typed (QEMU QMP reference). Each has the same deadline.</summary>
internal sealed class QmpCommands(QmpMonitor monitor, TimeSpan deadline)
{
    /// <summary>RunState of QEMU: running, paused, shutdown, guest-panicked, io-error, …</summary>
    public async Task<string> QueryStatusAsync(CancellationToken cancellation)
    {
        var answer = await monitor.ExecuteAsync("query-status", null, deadline, cancellation);
        return answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("status", out var status)
            && status.ValueKind == JsonValueKind.String
            ? status.GetString()!
            : throw new QmpProtocolException("query-status has no status");
    }

    /// <summary>Presses the power button. The guest may ignore it.</summary>
    public Task SystemPowerdownAsync(CancellationToken cancellation) =>
        monitor.ExecuteAsync("system_powerdown", null, deadline, cancellation);

    /// <summary>Presses reset.</summary>
    public Task SystemResetAsync(CancellationToken cancellation) =>
        monitor.ExecuteAsync("system_reset", null, deadline, cancellation);

    /// <summary>Ends QEMU after it has flushed its disks.</summary>
    public Task QuitAsync(CancellationToken cancellation) =>
        monitor.ExecuteAsync("quit", null, deadline, cancellation);

    /// <summary>Grows a disk under a running guest. Bytes.</summary>
    public Task BlockResizeAsync(string node, long size, CancellationToken cancellation) =>
        monitor.ExecuteAsync(
            "block_resize",
            arguments =>
            {
                arguments.WriteString("node-name", node);
                arguments.WriteNumber("size", size);
            },
            deadline, cancellation);

    /// <summary>Writes the first screen as PNG to a file that is there, relative to QEMU's directory (QEMU 7.1).</summary>
    public Task ScreendumpAsync(string file, CancellationToken cancellation) =>
        monitor.ExecuteAsync(
            "screendump",
            arguments =>
            {
                arguments.WriteString("filename", file);
                arguments.WriteString("format", "png");
            },
            deadline, cancellation);

    public Task StopAsync(CancellationToken cancellation) =>
        monitor.ExecuteAsync("stop", null, deadline, cancellation);

    public Task ContAsync(CancellationToken cancellation) =>
        monitor.ExecuteAsync("cont", null, deadline, cancellation);
}
