namespace Monolith.Agent.Vms.Qmp;

/// <summary>
/// The commands of a copy of a disk, typed (QEMU QMP reference). Everything that QEMU holds for it has one name, so that a
/// new agent finds what a dead one made.
/// </summary>
internal sealed class QmpBackup(QmpMonitor monitor, TimeSpan deadline) : QmpCalls(monitor, deadline)
{
    public const string Name = "snapshot";

    /// <summary>Copies all that the guest sees at this moment, what is below the layer included. The job stays when it has
    /// ended, for whoever asks how.</summary>
    /// <param name="node">The disk.</param>
    /// <param name="file">An empty qcow2 file of its size, in QEMU's directory.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task BeginAsync(string node, string file, CancellationToken cancellation)
    {
        await ExecuteAsync(
            "blockdev-add",
            to =>
            {
                to.WriteString("driver", "qcow2");
                to.WriteString("node-name", Name);
                to.WriteStartObject("file");
                to.WriteString("driver", "file");
                to.WriteString("filename", file);
                to.WriteEndObject();
            },
            cancellation);
        await ExecuteAsync(
            "blockdev-backup",
            to =>
            {
                to.WriteString("job-id", Name);
                to.WriteString("device", node);
                to.WriteString("target", Name);
                to.WriteString("sync", "full");
                to.WriteBoolean("auto-dismiss", false);
            },
            cancellation);
    }

    /// <summary>Gives the job up; none is fine.</summary>
    public Task CancelAsync(CancellationToken cancellation) => TryAsync(
        "block-job-cancel",
        to =>
        {
            to.WriteString("device", Name);
            to.WriteBoolean("force", true);
        },
        cancellation);

    /// <summary>Forgets a job that has ended, and the copy's file; none is fine.</summary>
    public async Task CloseAsync(CancellationToken cancellation)
    {
        await TryAsync("job-dismiss", to => to.WriteString("id", Name), cancellation);
        await TryAsync("blockdev-del", to => to.WriteString("node-name", Name), cancellation);
    }

    public Task<DiskJob?> QueryJobAsync(CancellationToken cancellation) => QueryJobAsync(Name, cancellation);

    /// <summary>Whether QEMU has the copy's file open.</summary>
    public Task<bool> HasTargetAsync(CancellationToken cancellation) => HasNodeAsync(Name, cancellation);
}
