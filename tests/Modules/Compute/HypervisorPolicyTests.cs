using Grpc.Core;
using Monolith.Agent.V1;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Placement;
using Monolith.Compute.V1;
using Monolith.Identity.Contracts;
using Monolith.Modules.Tests.Calls;
using HypervisorService = Monolith.Compute.Hypervisors.HypervisorService;

namespace Monolith.Modules.Tests.Compute;

/// <summary>How much of a machine servers get is its operators' decision, and stays so whatever the agent reports.</summary>
public sealed class HypervisorPolicyTests
{
    static async Task<(ComputeStore Store, HypervisorService Service, Presence Presence)> OneAsync(string provider)
    {
        var store = await ComputeStore.OpenAsync(provider);
        var presence = new Presence(store.Store, TimeProvider.System);
        await presence.ConnectedAsync("hv1", Hello(cpus: 4, memoryMib: 8192), default);
        return (store, new HypervisorService(store.Store, presence, new NoNodes(), new Departures(), new NoFabric()), presence);
    }

    static Hello Hello(int cpus, long memoryMib) =>
        new() { Inventory = new Inventory { Cpus = cpus, MemoryMib = memoryMib, DiskGib = 100 } };

    static Task<Hypervisor> UpdateAsync(HypervisorService service, Hypervisor wanted, params string[] mask)
    {
        wanted.Name = "hypervisors/hv1";
        return service.UpdateHypervisor(new UpdateHypervisorRequest
        {
            Hypervisor = wanted,
            UpdateMask = new() { Paths = { mask } },
        }, new FakeCall());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Capacity_FollowsFromInventory_Ratio_AndReserve(string provider)
    {
        var (store, service, presence) = await OneAsync(provider);
        await using var _ = store;
        var hypervisor = await service.GetHypervisor(new GetHypervisorRequest { Name = "hypervisors/hv1" }, new FakeCall());
        Assert.Equal(new Capacity { Vcpus = 32, MemoryMib = 8192, DiskGib = 100 }, hypervisor.Capacity);
        Assert.Equal(8, hypervisor.VcpuRatio);

        hypervisor = await UpdateAsync(service, new() { VcpuRatio = 1.6, ReservedMemoryMib = 2048, ReservedDiskGib = 20 });
        Assert.Equal(new Capacity { Vcpus = 6, MemoryMib = 6144, DiskGib = 80 }, hypervisor.Capacity);
        Assert.Equal(new Capacity { Vcpus = 4, MemoryMib = 8192, DiskGib = 100 }, hypervisor.Inventory);

        // The machine got more memory; what is held back stays.
        await presence.ConnectedAsync("hv1", Hello(cpus: 8, memoryMib: 16384), default);
        hypervisor = await UpdateAsync(service, new(), "reserved_disk_gib");
        Assert.Equal(new Capacity { Vcpus = 12, MemoryMib = 14336, DiskGib = 100 }, hypervisor.Capacity);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatMakesNoSense_IsRefused_WithEveryViolation(string provider)
    {
        var (store, service, _) = await OneAsync(provider);
        await using var _1 = store;
        var fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => UpdateAsync(service,
            new() { VcpuRatio = 0.01, ReservedMemoryMib = -1, ReservedDiskGib = -1 }));
        Assert.Equal(["hypervisor.vcpu_ratio", "hypervisor.reserved_memory_mib", "hypervisor.reserved_disk_gib"],
            fault.Fields.Select(f => f.Field));
        fault = await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST", () => UpdateAsync(service,
            new() { ReservedMemoryMib = 8193, ReservedDiskGib = 101 }));
        Assert.Equal(["hypervisor.reserved_memory_mib", "hypervisor.reserved_disk_gib"], fault.Fields.Select(f => f.Field));
        await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
            () => UpdateAsync(service, new() { VcpuRatio = double.NaN }, "vcpu_ratio"));
    }

    sealed class NoNodes : INodes
    {
        public Task ForgetAsync(string node, CancellationToken cancel) => throw new NotSupportedException();
    }
}
