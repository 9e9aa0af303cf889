using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Monolith.Agent.Cgroups;
using Monolith.Agent.Native.Safe;

namespace Monolith.Agent.Vms;

/// <summary>How the QEMU driver is set up.</summary>
public sealed record QemuOptions
{
    /// <summary>Holds one directory for each VM.</summary>
    public required string VmsDirectory { get; init; }

    public const string DefaultCgroup = "monolith";

    public string QemuExecutable { get; init; } = "/usr/bin/qemu-system-x86_64";

    public string QemuImgExecutable { get; init; } = "/usr/bin/qemu-img";

    /// <summary>
    /// The user that QEMU becomes. Null: <c>monolith-vm</c> when this machine knows it, else <c>nobody</c>. Without
    /// root, QEMU stays the agent's user.
    /// </summary>
    public string? VmUser { get; init; }

    /// <summary>The control group above those of the VMs.</summary>
    public string CgroupName { get; init; } = DefaultCgroup;

    /// <summary><c>kvm</c> or <c>tcg</c> to skip the probe; null to probe.</summary>
    public string? Accelerator { get; init; }

    /// <summary>How long QEMU may take to answer after its start.</summary>
    public TimeSpan StartDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often logs are kept in bounds and QEMU is asked how it is.</summary>
    public TimeSpan CheckEvery { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>What all VMs of one driver share.</summary>
internal sealed record QemuSettings(
    QemuOptions Options,
    VmCapabilities Capabilities,
    ProcessUser? User,
    CgroupTree Cgroups,
    QemuDisk Disks,
    ChannelWriter<VmEvent> Events,
    TimeProvider Time,
    ILogger Logger);
