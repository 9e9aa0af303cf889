using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Monolith.Agent.V1;
using Monolith.Compute;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.Placement;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Identity.Contracts;
using Monolith.Modules.Tests.Calls;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using HypervisorService = Monolith.Compute.Hypervisors.HypervisorService;

namespace Monolith.Modules.Tests.Compute;

/// <summary>A machine that leaves the fleet is forgotten by both modules, or by neither.</summary>
public sealed class HypervisorDeletionTests
{
    sealed class Nodes : INodes
    {
        public List<string> Forgotten { get; } = [];
        public Exception? Failure { get; set; }

        public Task ForgetAsync(string node, CancellationToken cancel)
        {
            if (Failure is not null) throw Failure;
            Forgotten.Add(node);
            return Task.CompletedTask;
        }
    }

    readonly Nodes nodes = new();

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task Delete_ForgetsTheNode_Once_AndNeverWhenItIsRefused(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var presence = new Presence(store.Store, TimeProvider.System);
        var service = new HypervisorService(store.Store, presence, nodes, new Departures(), new NoFabric());
        await presence.ConnectedAsync("hv1", new Hello { Inventory = new Inventory { Cpus = 1 } }, default);
        var fault = await Expect.FaultAsync(StatusCode.FailedPrecondition, "HYPERVISOR_CONNECTED", Delete);
        Assert.Contains("Stop the agent", fault.Preconditions[0].Description, StringComparison.Ordinal);
        await presence.DisconnectedAsync("hv1");
        await store.Store.WriteAsync(Call.Of("test"), unit =>
        {
            unit.Db.Vms.Add(new VmRow
            {
                ServerUid = Guid.CreateVersion7(),
                ServerName = "projects/p/servers/s",
                Hypervisor = "hv1",
                ImageSha256 = "00",
                Plan = [],
            });
            return Task.CompletedTask;
        }, default);
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "HYPERVISOR_IN_USE", Delete);
        await store.Store.WriteAsync(Call.Of("test"), unit => unit.Db.Vms.ExecuteDeleteAsync(), default);
        await Expect.FaultAsync(StatusCode.Aborted, "ETAG_MISMATCH", () => service.DeleteHypervisor(
            new DeleteHypervisorRequest { Name = "hypervisors/hv1", Etag = "0" }, new FakeCall()));
        await service.DeleteHypervisor(new DeleteHypervisorRequest { Name = "hypervisors/hv1", ValidateOnly = true },
            new FakeCall());
        Assert.Empty(nodes.Forgotten);

        await Delete();
        Assert.Equal(["hv1"], nodes.Forgotten);
        await Delete();
        await Expect.FaultAsync(StatusCode.NotFound, "RESOURCE_NOT_FOUND", () => service.DeleteHypervisor(
            new DeleteHypervisorRequest { Name = "hypervisors/lb1" }, new FakeCall()));
        Assert.Equal(["hv1"], nodes.Forgotten);

        // It joined again. What is refused, or was answered before, does not forget it.
        await presence.ConnectedAsync("hv1", new Hello { Inventory = new Inventory { Cpus = 1 } }, default);
        await presence.DisconnectedAsync("hv1");
        await Delete();
        var etag = (await store.Store.ReadAsync(db => db.Hypervisors.SingleAsync())).Etag;
        foreach (var id in (string[])["5b0c6d0e-7d53-4d3c-9a55-0a3f3c0e5a01", "no id"])
            Assert.Equal("request_id", (await Expect.FaultAsync(StatusCode.InvalidArgument, "INVALID_REQUEST",
                () => service.DeleteHypervisor(new DeleteHypervisorRequest
                {
                    Name = "hypervisors/hv1",
                    Etag = etag,
                    RequestId = id,
                }, new FakeCall()))).Fields[0].Field);
        Assert.Equal(["hv1"], nodes.Forgotten);
        Assert.True(await store.Store.ReadAsync(db => db.Hypervisors.AnyAsync()));

        Task Delete() => service.DeleteHypervisor(new DeleteHypervisorRequest
        {
            Name = "hypervisors/hv1",
            RequestId = "5b0c6d0e-7d53-4d3c-9a55-0a3f3c0e5a01",
        }, new FakeCall());
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhenIdentityFails_TheHypervisorStays_AndARepeatFinishes(string provider)
    {
        await using var store = await ComputeStore.OpenAsync(provider);
        var presence = new Presence(store.Store, TimeProvider.System);
        var service = new HypervisorService(store.Store, presence, nodes, new Departures(), new NoFabric());
        await presence.ConnectedAsync("hv1", new Hello(), default);
        await presence.DisconnectedAsync("hv1");
        nodes.Failure = Fault.Unavailable("DATABASE_UNAVAILABLE", "Try again.", TimeSpan.FromSeconds(1));
        var request = new DeleteHypervisorRequest { Name = "hypervisors/hv1" };
        await Expect.FaultAsync(StatusCode.Unavailable, "DATABASE_UNAVAILABLE",
            () => service.DeleteHypervisor(request, new FakeCall()));
        Assert.True(await store.Store.ReadAsync(db => db.Hypervisors.AnyAsync()));
        nodes.Failure = null;
        await service.DeleteHypervisor(request, new FakeCall());
        Assert.False(await store.Store.ReadAsync(db => db.Hypervisors.AnyAsync()));
    }
}
