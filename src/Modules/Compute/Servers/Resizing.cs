using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Flavors;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Placement;
using Monolith.Compute.Servers.Snapshots;
using Monolith.Compute.Vms;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

/// <summary>A server's new size: it and what its hypervisor gives for it change in one transaction, or not at all.</summary>
internal static class Resizing
{
    /// <returns>The hypervisor's vm that changed, if there is one.</returns>
    /// <exception cref="Fault">The flavor does not fit the server, or the hypervisor.</exception>
    public static async Task<VmRow?> ResizeAsync(ServerRow row, string flavorName, Unit<ComputeDb> unit, CancellationToken cancel)
    {
        ServerOperations.RefuseUnlessAlive(row);
        ServerOperations.RefuseWhileMigrating(row);
        Rescuing.RefuseWhileRescued(row);
        // A disk that is being copied does not grow.
        SnapshotRules.RefuseWhileTaken(row);
        var flavor = await unit.Db.Flavors.FirstOrDefaultAsync(f => f.Name == flavorName, cancel);
        Check(row, flavor, flavorName);
        (row.Flavor, row.Vcpus, row.MemoryMib, row.DiskGib) = (flavor!.Name, flavor.Vcpus, flavor.MemoryMib, flavor.DiskGib);
        row.Detail = row.Detail with
        {
            RequiredTraits = flavor.RequiredTraits,
            ForbiddenTraits = flavor.ForbiddenTraits,
            Packs = flavor.Packs,
        };
        ServerOperations.Do(row, unit, ServerOperations.Resize);
        // One that goes is succeeded by one of the new size.
        if (await VmQueries.OfServer(unit.Db, row.Uid) is not { } vm || vm.Power == VmPower.Absent) return null;
        await ClaimAsync(row, vm, unit, cancel);
        vm.Resize(row);
        return vm;
    }

    static void Check(ServerRow row, FlavorRow? flavor, string name)
    {
        if (flavor is null) throw Fault.Invalid("flavor", $"{name} does not exist");
        var violations = new Violations();
        violations.Require(flavor.Name != row.Flavor, "flavor", $"is what {row.Name} has already");
        violations.Require(flavor.DiskGib >= row.DiskGib, "flavor",
            $"{name} has {flavor.DiskGib} GiB of disk, but {row.Name} has {row.DiskGib} GiB, and a disk never shrinks");
        violations.Require(flavor.MemoryMib >= row.Detail.LeastMemoryMib, "flavor",
            $"{name} has {flavor.MemoryMib} MiB of memory, but {row.Image} needs {row.Detail.LeastMemoryMib} MiB");
        violations.ThrowIfAny();
    }

    static async Task ClaimAsync(ServerRow row, VmRow vm, Unit<ComputeDb> unit, CancellationToken cancel)
    {
        var (vcpus, memory, disk) = (row.Vcpus - vm.Vcpus, row.MemoryMib - vm.MemoryMib, row.DiskGib - vm.DiskGib);
        var name = "hypervisors/" + vm.Hypervisor;
        var hypervisor = await unit.Db.Hypervisors.AsNoTracking().FirstOrDefaultAsync(h => h.Name == name, cancel);
        var traits = TraitSet.Parse(hypervisor?.Traits ?? "");
        if (!traits.HasAll(row.Demand.Needs) || traits.HasAny(row.Demand.Avoids))
            throw NoRoom(row, "is not of the kind that the flavor asks for");
        if (!await Room.GrowAsync(unit.Db, vm.Hypervisor, vcpus, memory, disk, cancel))
            throw NoRoom(row, Lack(hypervisor, vcpus, memory, disk));
    }

    // In amounts, which tell a tenant nothing about whose hypervisor it is.
    static string Lack(HypervisorRow? h, int vcpus, long memory, long disk)
    {
        if (h is null) return "is gone";
        var lacks = new List<string>();
        if (h.UsedVcpus + vcpus > h.Vcpus) lacks.Add($"{h.UsedVcpus + vcpus - h.Vcpus} vCPUs");
        if (h.UsedMemoryMib + memory > h.MemoryMib) lacks.Add($"{h.UsedMemoryMib + memory - h.MemoryMib} MiB of memory");
        if (h.UsedDiskGib + disk > h.DiskGib) lacks.Add($"{h.UsedDiskGib + disk - h.DiskGib} GiB of disk");
        return "lacks " + string.Join(", ", lacks);
    }

    static Fault NoRoom(ServerRow row, string why) => Fault.Precondition("NO_ROOM", row.Name,
        $"{row.Name} stays as it is: the hypervisor where it runs {why}. Take a smaller flavor, ask the operators to migrate it, "
        + "or create a new server.");
}
