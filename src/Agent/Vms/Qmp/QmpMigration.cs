using System.Globalization;
using System.Text.Json;

namespace Monolith.Agent.Vms.Qmp;

/// <summary>What <c>query-migrate</c> says. Bytes are of memory.</summary>
internal sealed record MigrationState(
    string Status, string Error, long Total, long Remaining, TimeSpan? Downtime)
{
    public static readonly MigrationState None = new("", "", 0, 0, null);
}

/// <summary>
/// The commands of a migration, typed (QEMU QMP reference). Everything that QEMU holds for it has one name, so that a new
/// agent finds what a dead one made.
/// </summary>
internal sealed class QmpMigration(QmpMonitor monitor, TimeSpan deadline) : QmpCalls(monitor, deadline)
{
    public const string Key = "migrate-key";
    public const string Disk = "migrate-disk";
    public const string User = "monolith";
    private const string DiskExport = "disk";

    // To reach the target's disk is a connection, a handshake and a greeting; QEMU gives up by itself before that.
    private static readonly TimeSpan ConnectDeadline = TimeSpan.FromSeconds(20);
    private const int OpenTimeoutSeconds = 10;

    // The pre-shared key is told by the user's name; the certificate's name that QEMU asks for is none's.
    private const string HostName = "target";
    private const long MaxBandwidth = 1L << 33;

    /// <summary>Reads the key of a pre-shared-key TLS endpoint from the VM's directory.</summary>
    public Task AddKeyAsync(bool server, CancellationToken cancellation) => ExecuteAsync(
        "object-add",
        to =>
        {
            to.WriteString("qom-type", "tls-creds-psk");
            to.WriteString("id", Key);
            to.WriteString("endpoint", server ? "server" : "client");
            to.WriteString("dir", ".");
            if (!server) to.WriteString("username", User);
        },
        cancellation);

    /// <summary>Forgets the key; none is fine.</summary>
    public async Task RemoveKeyAsync(CancellationToken cancellation)
    {
        await ExecuteAsync("migrate-set-parameters", to => to.WriteString("tls-creds", ""), cancellation);
        await TryAsync("object-del", to => to.WriteString("id", Key), cancellation);
    }

    public async Task ServeDiskAsync(string node, string host, int port, CancellationToken cancellation)
    {
        await ExecuteAsync(
            "nbd-server-start",
            to =>
            {
                WriteAddress(to, "addr", host, port);
                to.WriteString("tls-creds", Key);
            },
            cancellation);
        await ExecuteAsync(
            "block-export-add",
            to =>
            {
                to.WriteString("type", "nbd");
                to.WriteString("id", Disk);
                to.WriteString("node-name", node);
                to.WriteString("name", DiskExport);
                to.WriteBoolean("writable", true);
            },
            cancellation);
    }

    /// <summary>Ends the export; none is fine.</summary>
    public Task EndServingAsync(CancellationToken cancellation) => TryAsync("nbd-server-stop", null, cancellation);

    public async Task ListenAsync(string host, int port, CancellationToken cancellation)
    {
        await SetAsync(cancellation);
        await ExecuteAsync("migrate-incoming", to => to.WriteString("uri", UriOf(host, port)), cancellation);
    }

    /// <summary>Opens the target's disk.</summary>
    public Task OpenDiskAsync(string host, int port, CancellationToken cancellation) => ExecuteAsync(
        "blockdev-add",
        to =>
        {
            to.WriteString("driver", "nbd");
            to.WriteString("node-name", Disk);
            to.WriteString("export", DiskExport);
            to.WriteString("tls-creds", Key);
            to.WriteString("tls-hostname", HostName);
            to.WriteNumber("open-timeout", OpenTimeoutSeconds);
            to.WriteStartObject("server");
            to.WriteString("type", "inet");
            to.WriteString("host", host);
            to.WriteString("port", port.ToString(CultureInfo.InvariantCulture));
            to.WriteEndObject();
        },
        ConnectDeadline, cancellation);

    /// <summary>
    /// Copies what the layer itself holds; what is below it is the same image at both ends. The job stays when it has
    /// ended, for whoever asks how.
    /// </summary>
    /// <remarks>
    /// In the background: with copy-mode write-blocking, QEMU 7.2 corrupts its memory when the target is lost.
    /// </remarks>
    public Task MirrorAsync(string node, CancellationToken cancellation) => ExecuteAsync(
        "blockdev-mirror",
        to =>
        {
            to.WriteString("job-id", Disk);
            to.WriteString("device", node);
            to.WriteString("target", Disk);
            to.WriteString("sync", "top");
            to.WriteBoolean("auto-dismiss", false);
        },
        cancellation);

    /// <summary>Ends the copy, equal when it was ready, and leaves the guest on its own disk; none is fine.</summary>
    public Task EndMirrorAsync(bool force, CancellationToken cancellation) => TryAsync(
        "block-job-cancel",
        to =>
        {
            to.WriteString("device", Disk);
            to.WriteBoolean("force", force);
        },
        cancellation);

    /// <summary>Ends the connection to the target's disk; none is fine. What waits for it fails.</summary>
    public Task DisconnectDiskAsync(CancellationToken cancellation) => TryAsync(
        "yank",
        to =>
        {
            to.WriteStartArray("instances");
            to.WriteStartObject();
            to.WriteString("type", "block-node");
            to.WriteString("node-name", Disk);
            to.WriteEndObject();
            to.WriteEndArray();
        },
        cancellation);

    /// <summary>Holds the guest's disk to so many operations a second; 0: to none.</summary>
    public Task LimitAsync(int operations, CancellationToken cancellation) => TryAsync(
        "block_set_io_throttle",
        to =>
        {
            to.WriteString("id", VmCommandLine.DiskPath);
            foreach (var free in Unlimited) to.WriteNumber(free, 0);
            to.WriteNumber("iops", operations);
        },
        cancellation);

    private static readonly string[] Unlimited = ["bps", "bps_rd", "bps_wr", "iops_rd", "iops_wr"];

    /// <summary>Forgets a job that has ended, and the target's disk.</summary>
    public async Task CloseDiskAsync(CancellationToken cancellation)
    {
        await TryAsync("job-dismiss", to => to.WriteString("id", Disk), cancellation);
        await ExecuteAsync("blockdev-del", to => to.WriteString("node-name", Disk), cancellation);
    }

    public async Task MigrateAsync(string host, int port, CancellationToken cancellation)
    {
        await SetAsync(cancellation);
        await ExecuteAsync("migrate", to => to.WriteString("uri", UriOf(host, port)), cancellation);
    }

    public Task ContinueAsync(CancellationToken cancellation) =>
        ExecuteAsync("migrate-continue", to => to.WriteString("state", "pre-switchover"), cancellation);

    public Task CancelAsync(CancellationToken cancellation) => ExecuteAsync("migrate_cancel", null, cancellation);

    public async Task<MigrationState> QueryAsync(CancellationToken cancellation)
    {
        var answer = await ExecuteAsync("query-migrate", null, cancellation);
        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty("status", out var status))
            return MigrationState.None;
        var ram = answer.TryGetProperty("ram", out var bytes) ? bytes : default;
        return new MigrationState(
            status.GetString() ?? "", Text(answer, "error-desc"), Number(ram, "total"), Number(ram, "remaining"),
            answer.TryGetProperty("downtime", out var ms) ? TimeSpan.FromMilliseconds(ms.GetInt64()) : null);
    }

    public Task<DiskJob?> QueryJobAsync(CancellationToken cancellation) => QueryJobAsync(Disk, cancellation);

    /// <summary>Whether QEMU holds the target's disk.</summary>
    public Task<bool> HasDiskAsync(CancellationToken cancellation) => HasNodeAsync(Disk, cancellation);

    /// <summary>
    /// No return path: with one, a source whose connection ends just as the target begins to run would run on as well.
    /// Without it, who has sent everything never runs again by itself.
    /// </summary>
    private async Task SetAsync(CancellationToken cancellation)
    {
        await ExecuteAsync(
            "migrate-set-capabilities",
            to =>
            {
                to.WriteStartArray("capabilities");
                foreach (var (name, on) in Capabilities)
                {
                    to.WriteStartObject();
                    to.WriteString("capability", name);
                    to.WriteBoolean("state", on);
                    to.WriteEndObject();
                }
                to.WriteEndArray();
            },
            cancellation);
        await ExecuteAsync(
            "migrate-set-parameters",
            to =>
            {
                to.WriteString("tls-creds", Key);
                to.WriteString("tls-hostname", HostName);
                to.WriteNumber("max-bandwidth", MaxBandwidth);
            },
            cancellation);
    }

    private static readonly (string Name, bool On)[] Capabilities =
    [
        ("events", true), ("pause-before-switchover", true), ("auto-converge", true), ("return-path", false),
    ];

    private static string UriOf(string host, int port) => host.Contains(':', StringComparison.Ordinal)
        ? string.Create(CultureInfo.InvariantCulture, $"tcp:[{host}]:{port}")
        : string.Create(CultureInfo.InvariantCulture, $"tcp:{host}:{port}");

    private static void WriteAddress(Utf8JsonWriter to, string name, string host, int port)
    {
        to.WriteStartObject(name);
        to.WriteString("type", "inet");
        to.WriteStartObject("data");
        to.WriteString("host", host);
        to.WriteString("port", port.ToString(CultureInfo.InvariantCulture));
        to.WriteEndObject();
        to.WriteEndObject();
    }
}
