using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Cgroups;
using Monolith.Agent.Images;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Vms;

/// <summary>
/// VMs as QEMU processes. A table of <see cref="QemuVm"/>s, each with its own task; the directory of the VMs is all
/// the memory there is.
/// </summary>
public sealed partial class QemuDriver : IVmDriver
{
    internal const string TrashPrefix = ".removed-";
    private const int EventsKept = 1024;

    private readonly ConcurrentDictionary<VmId, QemuVm> vms = new();
    private readonly Channel<VmEvent> events;
    private readonly QemuSettings settings;

    private QemuDriver(QemuSettings settings, Channel<VmEvent> events)
    {
        this.settings = settings;
        this.events = events;
    }

    public VmCapabilities Capabilities => settings.Capabilities;

    public ChannelReader<VmEvent> Events => events.Reader;

    /// <summary>Probes the machine, adopts the VMs that run, and clears what a crash left half removed.</summary>
    /// <exception cref="VmException">QEMU is missing or unusable.</exception>
    public static async Task<QemuDriver> OpenAsync(
        QemuOptions options, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        options = options with { VmsDirectory = Path.GetFullPath(options.VmsDirectory) };
        Directory.CreateDirectory(options.VmsDirectory);
        var user = FindUser(options);
        var cgroups = CgroupTree.Probe(options.CgroupName);
        var capabilities = await QemuProbe.RunAsync(options, user, cgroups, cancellation);
        QemuLog.Probed(logger, capabilities.QemuVersion, capabilities.Accelerator, capabilities.AcceleratorCause);
        var events = Channel.CreateBounded<VmEvent>(
            new BoundedChannelOptions(EventsKept) { FullMode = BoundedChannelFullMode.DropOldest });
        var disks = new QemuDisk(options.QemuImgExecutable, user);
        var driver = new QemuDriver(
            new QemuSettings(options, capabilities, user, cgroups, disks, events.Writer, time, logger), events);
        await driver.AdoptAsync();
        return driver;
    }

    public Task EnsureDiskAsync(VmPlan plan, string baseImagePath, CancellationToken cancellation) =>
        VmOf(plan.Id).EnsureDiskAsync(plan, baseImagePath, cancellation);

    public Task StartAsync(VmPlan plan, CancellationToken cancellation) =>
        VmOf(plan.Id).StartAsync(plan, cancellation);

    public Task StopAsync(VmId id, StopMode mode, TimeSpan deadline, CancellationToken cancellation) =>
        Known(id) is { } vm ? vm.StopAsync(mode, deadline, cancellation) : Task.CompletedTask;

    public Task RestartAsync(VmPlan plan, StopMode mode, TimeSpan deadline, CancellationToken cancellation) =>
        VmOf(plan.Id).RestartAsync(plan, mode, deadline, cancellation);

    public Task PlugAsync(VmPlan plan, CancellationToken cancellation) => Known(plan.Id) is { } vm
        ? vm.PlugAsync(plan, cancellation)
        : throw new VmException(VmFailure.NotFound, $"VM {plan.Id} is not here: its cards cannot be changed");

    public Task ReceiveAsync(VmPlan plan, VmIncoming incoming, CancellationToken cancellation) =>
        VmOf(plan.Id).ReceiveAsync(plan, incoming, cancellation);

    public Task SendAsync(VmId id, VmOutgoing outgoing, CancellationToken cancellation) => Known(id) is { } vm
        ? vm.SendAsync(outgoing, cancellation)
        : throw new VmException(VmFailure.NotFound, $"VM {id} is not here: it cannot be sent");

    public Task LetGoAsync(VmId id, CancellationToken cancellation) =>
        Known(id) is { } vm ? vm.LetGoAsync(cancellation) : Task.CompletedTask;

    public Task CancelSendAsync(VmId id, CancellationToken cancellation) =>
        Known(id) is { } vm ? vm.CancelSendAsync(cancellation) : Task.CompletedTask;

    public Task ReclaimAsync(VmPlan plan, CancellationToken cancellation) =>
        VmOf(plan.Id).ReclaimAsync(plan, cancellation);

    public Task SnapshotAsync(VmId id, string snapshot, CancellationToken cancellation) => Known(id) is { } vm
        ? vm.SnapshotAsync(snapshot, cancellation)
        : throw new VmException(VmFailure.NotFound, $"VM {id} is not here: it cannot be copied");

    public Stream? OpenSnapshot(VmId id, string snapshot) => Known(id)?.OpenSnapshot(snapshot);

    public Task DropSnapshotAsync(VmId id, CancellationToken cancellation) =>
        Known(id) is { } vm ? vm.DropSnapshotAsync(cancellation) : Task.CompletedTask;

    public async Task RemoveAsync(VmId id, CancellationToken cancellation)
    {
        if (Known(id) is not { } vm) return;
        await vm.RemoveAsync(cancellation);
        vms.TryRemove(KeyValuePair.Create(id, vm));
        await vm.DisposeAsync();
    }

    public Task<IReadOnlyList<VmObservation>> ObserveAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<VmObservation>>(
            [.. vms.Values.Select(vm => vm.Observation).OfType<VmObservation>()]);
    }

    public IReadOnlySet<ImageDigest> ImagesInUse()
    {
        var images = new HashSet<ImageDigest>();
        foreach (var (id, vm) in vms)
        {
            if (vm.Plan is { } plan) images.UnionWith(ImagesOf(plan));
            else if (File.Exists(Path.Combine(settings.Options.VmsDirectory, id.Value, VmCommandLine.Disk)))
                throw new IOException($"VM {id} has a disk and no readable plan: its image is not known");
        }

        return images;
    }

    private static IEnumerable<ImageDigest> ImagesOf(VmPlan plan) =>
        plan.Rescue is null ? [plan.Image] : [plan.Image, plan.Rescue.Image];

    /// <summary>Lets go of all VMs. They run on.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var vm in vms.Values) await vm.DisposeAsync();
        settings.Cgroups.Close();
        events.Writer.TryComplete();
    }

    private async Task AdoptAsync()
    {
        foreach (var directory in Directory.GetDirectories(settings.Options.VmsDirectory))
        {
            var name = Path.GetFileName(directory);
            if (name.StartsWith(TrashPrefix, StringComparison.Ordinal)) Directory.Delete(directory, recursive: true);
            if (!VmId.IsValid(name)) continue;
            // Without a plan nothing was done yet: the agent died between the directory and its first file.
            if (new VmFiles(directory).ReadPlan() is null && !File.Exists(Path.Combine(directory, VmCommandLine.Disk)))
                Directory.Delete(directory, recursive: true);
            else
                VmOf(new VmId(name));
        }
        await Task.WhenAll(vms.Values.Select(vm => vm.Ready));
    }

    private QemuVm VmOf(VmId id)
    {
        if (!VmId.IsValid(id.Value)) throw new VmException(VmFailure.InvalidPlan, "the plan has no VM id");
        lock (vms)
        {
            if (Known(id) is { } vm) return vm;
            return vms[id] = new QemuVm(id, settings);
        }
    }

    private QemuVm? Known(VmId id) => vms.TryGetValue(id, out var vm) && !vm.IsRemoved ? vm : null;

    private static ProcessUser? FindUser(QemuOptions options)
    {
        if (!ProcessUser.IsRoot) return null;
        if (options.VmUser is { } name)
            return ProcessUser.First(name) ?? throw new VmException(
                VmFailure.NotInstalled,
                $"the user {name} that VMs shall run as does not exist: create it with useradd --system");
        return ProcessUser.First("monolith-vm", "nobody");
    }
}
