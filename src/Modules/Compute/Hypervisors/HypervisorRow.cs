using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Monolith.Compute.Placement;
using Monolith.Compute.V1;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Hypervisors;

/// <summary>A machine that runs servers. What is claimed of it changes by conditional updates only.</summary>
internal sealed class HypervisorRow : ResourceRow
{
    public bool Schedulable { get; set; } = true;
    /// <summary>Its servers are to go elsewhere; it is closed meanwhile.</summary>
    public bool Draining { get; set; }
    public int DrainLeft { get; set; }
    public string DrainMessage { get; set; } = "";
    /// <summary>Its servers are made anew elsewhere; it is closed meanwhile.</summary>
    public bool Evacuating { get; set; }
    public string EvacuationMessage { get; set; } = "";
    /// <summary>Since when it is known to be off; null: it may be on.</summary>
    public DateTime? FenceTime { get; set; }
    /// <summary>Why people work on it; empty: nobody does.</summary>
    public string Maintenance { get; set; } = "";
    public bool Up { get; set; }
    public DateTime UpTime { get; set; }
    public string AvailabilityZone { get; set; } = "";

    /// <summary>What the machine has.</summary>
    public int Cpus { get; set; }
    public long TotalMemoryMib { get; set; }
    public long TotalDiskGib { get; set; }

    /// <summary>What its operators hold back, and how thinly they spread processors.</summary>
    public double VcpuRatio { get; set; } = DefaultVcpuRatio;
    public long ReservedMemoryMib { get; set; }
    public long ReservedDiskGib { get; set; }

    /// <summary>What servers can hold, which follows from the two: here for the condition of a claim.</summary>
    public int Vcpus { get; set; }
    public long MemoryMib { get; set; }
    public long DiskGib { get; set; }
    public int UsedVcpus { get; set; }
    public long UsedMemoryMib { get; set; }
    public long UsedDiskGib { get; set; }
    public int ServerCount { get; set; }
    /// <summary>As <see cref="TraitSet"/> stores them.</summary>
    public string Traits { get; set; } = "";
    public string AgentVersion { get; set; } = "";
    /// <summary>JSON object.</summary>
    public string Capabilities { get; set; } = "{}";

    public const double DefaultVcpuRatio = 8;

    /// <summary>New servers may be placed there once it is connected.</summary>
    public bool IsOpen => Schedulable && Maintenance.Length == 0;

    public string Id => Name["hypervisors/".Length..];

    /// <summary>After a change of what it has or of what is held back.</summary>
    public void Recount()
    {
        Vcpus = (int)Math.Min(Math.Floor(Cpus * VcpuRatio), int.MaxValue);
        MemoryMib = Math.Max(0, TotalMemoryMib - ReservedMemoryMib);
        DiskGib = Math.Max(0, TotalDiskGib - ReservedDiskGib);
    }

    public Hypervisor ToProto()
    {
        var hypervisor = new Hypervisor
        {
            Name = Name,
            Uid = Uid.ToString(),
            Etag = Etag,
            Schedulable = Schedulable,
            Draining = Draining,
            DrainLeft = DrainLeft,
            DrainMessage = DrainMessage,
            Evacuating = Evacuating,
            EvacuationMessage = EvacuationMessage,
            FenceTime = FenceTime?.ToTimestamp(),
            Maintenance = Maintenance,
            State = Up ? Hypervisor.Types.State.Up : Hypervisor.Types.State.Down,
            StateTime = UpTime.ToTimestamp(),
            AvailabilityZone = AvailabilityZone,
            Capacity = new Capacity { Vcpus = Vcpus, MemoryMib = MemoryMib, DiskGib = DiskGib },
            Allocated = new Capacity { Vcpus = UsedVcpus, MemoryMib = UsedMemoryMib, DiskGib = UsedDiskGib },
            Inventory = new Capacity { Vcpus = Cpus, MemoryMib = TotalMemoryMib, DiskGib = TotalDiskGib },
            VcpuRatio = VcpuRatio,
            ReservedMemoryMib = ReservedMemoryMib,
            ReservedDiskGib = ReservedDiskGib,
            ServerCount = ServerCount,
            Traits = { TraitSet.Parse(Traits).Words },
            AgentVersion = AgentVersion,
            CreateTime = CreateTime.ToTimestamp(),
            UpdateTime = UpdateTime.ToTimestamp(),
        };
        Platform.Names.Labels.Load(Labels, hypervisor.Labels);
        foreach (var (key, value) in JsonSerializer.Deserialize<Dictionary<string, string>>(Capabilities)!)
            hypervisor.Capabilities[key] = value;
        return hypervisor;
    }
}
