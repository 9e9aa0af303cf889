using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Vms;

namespace Monolith.Compute.Hypervisors;

/// <summary>
/// What servers hold of hypervisors. It changes here alone, by one conditional update each time, in the transaction that
/// makes, resizes or buries a vm: what is given out and what vms hold agree, whoever is faster.
/// </summary>
internal static class Room
{
    /// <summary>Connected, and open for new servers.</summary>
    static readonly Expression<Func<HypervisorRow, bool>> TakesNew = h => h.Up && h.Schedulable && h.Maintenance == "";

    /// <summary>Takes what a new vm holds.</summary>
    /// <param name="hypervisor">Its id.</param>
    /// <returns>False: it has not that much, or takes no new ones.</returns>
    public static async Task<bool> TakeAsync(ComputeDb db, string hypervisor, int vcpus, long memoryMib, long diskGib,
        CancellationToken cancel) =>
        await Of(db, hypervisor).Where(TakesNew)
            .Where(h => h.UsedVcpus + vcpus <= h.Vcpus && h.UsedMemoryMib + memoryMib <= h.MemoryMib
                && h.UsedDiskGib + diskGib <= h.DiskGib)
            .ExecuteUpdateAsync(h => h
                .SetProperty(x => x.UsedVcpus, x => x.UsedVcpus + vcpus)
                .SetProperty(x => x.UsedMemoryMib, x => x.UsedMemoryMib + memoryMib)
                .SetProperty(x => x.UsedDiskGib, x => x.UsedDiskGib + diskGib)
                .SetProperty(x => x.ServerCount, x => x.ServerCount + 1), cancel) > 0;

    /// <summary>Takes what a vm grows by. What shrinks always fits, also where more was given than there is by now.</summary>
    /// <inheritdoc cref="TakeAsync"/>
    public static async Task<bool> GrowAsync(ComputeDb db, string hypervisor, int vcpus, long memoryMib, long diskGib,
        CancellationToken cancel) =>
        await Of(db, hypervisor)
            .Where(h => (vcpus <= 0 || h.UsedVcpus + vcpus <= h.Vcpus)
                && (memoryMib <= 0 || h.UsedMemoryMib + memoryMib <= h.MemoryMib)
                && (diskGib <= 0 || h.UsedDiskGib + diskGib <= h.DiskGib))
            .ExecuteUpdateAsync(h => h
                .SetProperty(x => x.UsedVcpus, x => x.UsedVcpus + vcpus)
                .SetProperty(x => x.UsedMemoryMib, x => x.UsedMemoryMib + memoryMib)
                .SetProperty(x => x.UsedDiskGib, x => x.UsedDiskGib + diskGib), cancel) > 0;

    /// <summary>Gives back what a vm held.</summary>
    public static Task GiveBackAsync(ComputeDb db, VmRow vm, CancellationToken cancel) =>
        Of(db, vm.Hypervisor).ExecuteUpdateAsync(h => h
            .SetProperty(x => x.UsedVcpus, x => x.UsedVcpus - vm.Vcpus)
            .SetProperty(x => x.UsedMemoryMib, x => x.UsedMemoryMib - vm.MemoryMib)
            .SetProperty(x => x.UsedDiskGib, x => x.UsedDiskGib - vm.DiskGib)
            .SetProperty(x => x.ServerCount, x => x.ServerCount - 1), cancel);

    static IQueryable<HypervisorRow> Of(ComputeDb db, string hypervisor)
    {
        var name = "hypervisors/" + hypervisor;
        return db.Hypervisors.Where(h => h.Name == name);
    }
}
