using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Monolith.Agent.V1;
using Monolith.Compute;
using Monolith.Compute.Evacuations;
using Monolith.Compute.Hypervisors;
using Monolith.Compute.LiveMigration;
using Monolith.Compute.Placement;
using Monolith.Compute.Servers;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Identity.Contracts;
using Monolith.Modules.Tests.Calls;
using Monolith.Network.Contracts;
using Monolith.Platform.Calls;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Quotas;
using Monolith.Platform.Reconciling;
using HypervisorService = Monolith.Compute.Hypervisors.HypervisorService;
using MigrationState = Monolith.Compute.V1.Migration.Types.State;
using Phase = Monolith.Agent.V1.VmMigration.Types.Phase;

namespace Monolith.Modules.Tests.Compute;

/// <summary>A hypervisor that was lost is given up once it is certain that it is off, and not before.</summary>
public sealed class EvacuatorTests
{
    static readonly DateTime Now = new(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    sealed class Fence : IFence
    {
        public Queue<string?> Answers { get; } = [];
        public bool IsThere { get; set; }

        public Task<string?> TurnOffAsync(HypervisorRow hypervisor, CancellationToken cancel) =>
            Task.FromResult(Answers.Dequeue());
    }

    sealed class Ports : IPorts
    {
        public List<Guid> Released { get; } = [];

        public Task<IReadOnlyList<FieldViolation>> CheckAsync(IReadOnlyList<PortClaim> claims, IReadOnlyList<string> fields,
            CancellationToken cancel) => throw new NotSupportedException();
        public Task<IReadOnlyList<ExceededQuota>> ExceededAsync(IReadOnlyList<PortClaim> claims,
            CancellationToken cancel) => throw new NotSupportedException();
        public Task<IReadOnlyList<PortFacts>> ClaimAsync(IReadOnlyList<PortClaim> claims, CancellationToken cancel,
            string hypervisor = "") => throw new NotSupportedException();
        public Task BindAsync(Guid ownerUid, string hypervisor, CancellationToken cancel) => throw new NotSupportedException();
        public Task ShareAsync(Guid ownerUid, string hypervisor, CancellationToken cancel) => throw new NotSupportedException();
        public Task UnbindAsync(Guid ownerUid, CancellationToken cancel) => Task.CompletedTask;
        public Task<IReadOnlyList<PortFacts>> OfAsync(Guid ownerUid, CancellationToken cancel) => throw new NotSupportedException();
        public Task ReleaseAsync(Guid ownerUid, int index, CancellationToken cancel) => throw new NotSupportedException();

        public Task ReleaseAsync(Guid ownerUid, CancellationToken cancel)
        {
            Released.Add(ownerUid);
            return Task.CompletedTask;
        }
    }

    sealed class NoNodes : INodes
    {
        public Task ForgetAsync(string node, CancellationToken cancel) => Task.CompletedTask;
    }

    /// <summary>hv1 with three vms: of a server that runs, of one that is stopped, of one that is no more.</summary>
    sealed class Scene : IAsyncDisposable
    {
        public required ComputeStore Store { get; init; }
        public required Presence Presence { get; init; }
        public required HypervisorService Service { get; init; }
        public required Evacuator Evacuator { get; init; }
        public Fence Fence { get; init; } = new();
        public Ports Ports { get; init; } = new();
        public Guid Gone { get; } = Guid.CreateVersion7();

        public static async Task<Scene> MakeAsync(string provider)
        {
            var store = await ComputeStore.OpenAsync(provider);
            var presence = new Presence(store.Store, TimeProvider.System);
            var (fence, ports) = (new Fence(), new Ports());
            Reconciler<T> Idle<T>() where T : notnull => new("test", (_, _) => Task.FromResult(Outcome.Settled),
                _ => Task.FromResult<IReadOnlyList<T>>([]), TimeProvider.System, NullLogger.Instance);
            var scene = new Scene
            {
                Store = store,
                Presence = presence,
                Fence = fence,
                Ports = ports,
                Service = new HypervisorService(store.Store, presence, new NoNodes(), new Departures(), new NoFabric(), fence: fence),
                Evacuator = new Evacuator(store.Store, new Departures(), ports, new VmStreams(new VmItems(store.Store), TimeProvider.System),
                    Idle<ServerName>(), fence, TimeProvider.System),
            };
            await presence.ConnectedAsync("hv1", new Hello { Inventory = new Inventory { Cpus = 4, MemoryMib = 4096, DiskGib = 40 } }, default);
            await store.Store.WriteAsync(Call.Of("test"), unit =>
            {
                foreach (var (id, power) in new[] { ("runs", Monolith.Compute.Servers.Power.Running), ("rests", Monolith.Compute.Servers.Power.Stopped) })
                {
                    var server = Server(id, power);
                    unit.Db.Servers.Add(server);
                    unit.Db.Vms.Add(VmOf(server.Uid, server.Name));
                }
                unit.Db.Vms.Add(VmOf(scene.Gone, "projects/p/servers/gone"));
                return Task.CompletedTask;
            }, default);
            return scene;
        }

        public Task<Hypervisor> EvacuateAsync(bool fenced) => Service.EvacuateHypervisor(
            new EvacuateHypervisorRequest { Name = "hypervisors/hv1", Fenced = fenced }, new FakeCall());

        public Task<Hypervisor> GetAsync() =>
            Service.GetHypervisor(new GetHypervisorRequest { Name = "hypervisors/hv1" }, new FakeCall());

        public Task<Outcome?> StepAsync() => Evacuator.ReconcileAsync("hypervisors/hv1", default);

        public Task<List<VmRow>> VmsAsync() => Store.Store.ReadAsync(db => db.Vms.OrderBy(v => v.ServerName).ToListAsync());

        public Task<ServerRow> ServerAsync(string id) =>
            Store.Store.ReadAsync(db => db.Servers.SingleAsync(s => s.Name == "projects/p/servers/" + id));

        public ValueTask DisposeAsync() => Store.DisposeAsync();
    }

    static ServerRow Server(string id, Monolith.Compute.Servers.Power power) => new()
    {
        Name = "projects/p/servers/" + id,
        Project = "p",
        Flavor = "flavors/f",
        Image = "projects/p/images/i",
        ImageSha256 = "00",
        ImageFormat = "raw",
        Hostname = id,
        Detail = new([], [], []),
        Hypervisor = "hv1",
        PortsBoundTo = "hv1",
        Power = power,
        State = power == Monolith.Compute.Servers.Power.Running ? Monolith.Compute.V1.Server.Types.State.Ready : Monolith.Compute.V1.Server.Types.State.Stopped,
        Unsettled = false,
    };

    static VmRow VmOf(Guid server, string name, VmRole role = VmRole.Current) =>
        new() { ServerUid = server, ServerName = name, Hypervisor = "hv1", ImageSha256 = "00", Plan = [], Role = role };

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task OneThatIsConnected_OrMayBeOn_IsNotGivenUp(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "HYPERVISOR_CONNECTED", () => scene.EvacuateAsync(true));
        await scene.Presence.DisconnectedAsync("hv1");
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "NOT_FENCED", () => scene.EvacuateAsync(false));
        Assert.Equal("", (await scene.Service.AbortEvacuation(
            new AbortEvacuationRequest { Name = "hypervisors/hv1" }, new FakeCall())).EvacuationMessage);
        Assert.Null(await scene.StepAsync());
        Assert.All(await scene.VmsAsync(), vm => Assert.Equal(VmRole.Current, vm.Role));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhatRan_IsToGo_WhereItWasForetold(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        foreach (var other in new[] { "hv2", "hv3", "hv4" })
            await scene.Presence.ConnectedAsync(other,
                new Hello { Inventory = new Inventory { Cpus = 4, MemoryMib = 4096, DiskGib = 40 } }, default);
        await scene.Presence.DisconnectedAsync("hv1");
        var plan = await scene.Service.PlanEvacuation(
            new PlanEvacuationRequest { Filter = "name = \"hypervisors/hv1\"" }, new FakeCall());
        var foretold = Assert.Single(plan.Moves, m => m.Server == "projects/p/servers/runs").Target;

        await scene.EvacuateAsync(fenced: true);
        await scene.StepAsync();
        Assert.Equal(foretold, "hypervisors/" + (await scene.ServerAsync("runs")).Planned);
        Assert.Equal("", (await scene.ServerAsync("rests")).Planned);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task TheFenceIsAsked_UntilItIsCertain_AndOnlyThenServersBeginAnew(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.Presence.DisconnectedAsync("hv1");
        scene.Fence.IsThere = true;
        scene.Fence.Answers.Enqueue("its power controller does not answer.");
        scene.Fence.Answers.Enqueue(null);
        Assert.True((await scene.EvacuateAsync(false)).Evacuating);

        await scene.StepAsync();
        var seen = await scene.GetAsync();
        Assert.Null(seen.FenceTime);
        Assert.Contains("its power controller does not answer", seen.EvacuationMessage, StringComparison.Ordinal);
        Assert.All(await scene.VmsAsync(), vm => Assert.Equal(VmRole.Current, vm.Role));

        await scene.StepAsync();
        Assert.NotNull((await scene.GetAsync()).FenceTime);
        // Twice, as after a crash.
        await scene.StepAsync();
        await scene.StepAsync();
        Assert.All(await scene.VmsAsync(), vm => Assert.Equal((VmRole.Fenced, VmPower.Absent), (vm.Role, vm.Power)));
        Assert.Equal([scene.Gone], scene.Ports.Released);
        var runs = await scene.ServerAsync("runs");
        Assert.Equal(("evacuate", Monolith.Compute.V1.Server.Types.State.Rebuilding, "", "", 1), (runs.Operation, runs.State, runs.Hypervisor,
            runs.PortsBoundTo, runs.Incarnation));
        var rests = await scene.ServerAsync("rests");
        Assert.Equal(("evacuate", Monolith.Compute.V1.Server.Types.State.Stopped, ""), (rests.Operation, rests.State, rests.Hypervisor));
        Assert.IsType<Next.Record>(ServerLifecycle.Decide(rests, new Situation(null, [], false, Now)));
        Assert.IsType<Next.Place>(ServerLifecycle.Decide(runs, new Situation(null, [], false, runs.OperationStart)));
        Assert.Equal("0 to be given up, 2 being made anew, 0 done.", (await scene.GetAsync()).EvacuationMessage);

        await scene.Store.Store.WriteAsync(Call.Of("test"), async unit =>
        {
            foreach (var server in await unit.Db.Servers.ToListAsync())
                (server.Unsettled, server.State) = (false, server.Name.EndsWith("runs", StringComparison.Ordinal)
                    ? Monolith.Compute.V1.Server.Types.State.Ready : Monolith.Compute.V1.Server.Types.State.Stopped);
        }, default);
        await scene.StepAsync();
        seen = await scene.GetAsync();
        Assert.Equal((false, false, "2 servers are elsewhere by now."), (seen.Evacuating, seen.Schedulable, seen.EvacuationMessage));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AnAgentThatComesBack_EndsIt_AndServersStay(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.Presence.DisconnectedAsync("hv1");
        await scene.EvacuateAsync(true);
        await scene.Presence.ConnectedAsync("hv1", new Hello { Inventory = new Inventory { Cpus = 4 } }, default);
        await scene.StepAsync();
        var seen = await scene.GetAsync();
        Assert.Equal((false, null), (seen.Evacuating, seen.FenceTime));
        Assert.Contains("came back", seen.EvacuationMessage, StringComparison.Ordinal);
        Assert.All(await scene.VmsAsync(), vm => Assert.Equal(VmRole.Current, vm.Role));
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task WhoWouldRatherWait_StaysWithItsDisk_AndIsNamed(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.Store.Store.WriteAsync(Call.Of("test"), async unit =>
        {
            foreach (var server in await unit.Db.Servers.ToListAsync()) server.Detail = server.Detail with { KeepDisk = true };
        }, default);
        await scene.Presence.DisconnectedAsync("hv1");
        await scene.EvacuateAsync(true);
        await scene.StepAsync();
        var seen = await scene.GetAsync();
        Assert.Equal((false, "Nothing was given up. 2 stay with their disks until the machine is back: projects/p/servers/rests, "
            + "projects/p/servers/runs."), (seen.Evacuating, seen.EvacuationMessage));
        // What nobody owns any more is.
        Assert.Equal([(scene.Gone, VmRole.Fenced)], (await scene.VmsAsync()).Where(v => v.Role == VmRole.Fenced)
            .Select(v => (v.ServerUid, v.Role)));
        Assert.Equal(("hv1", "create"), ((await scene.ServerAsync("runs")).Hypervisor, (await scene.ServerAsync("runs")).Operation));

        // One that is deleted waits for nothing.
        await scene.Store.Store.WriteAsync(Call.Of("test"), async unit =>
            (await unit.Db.Servers.SingleAsync(s => s.Name == "projects/p/servers/runs")).Deleting = true, default);
        await scene.EvacuateAsync(true);
        await scene.StepAsync();
        Assert.Equal(VmRole.Fenced, (await scene.VmsAsync()).Single(v => v.ServerName == "projects/p/servers/runs").Role);
    }

    [Theory]
    [MemberData(nameof(TestDatabases.All), MemberType = typeof(TestDatabases))]
    public async Task AForgottenMachine_TakesWhatWasGivenUpWithIt(string provider)
    {
        await using var scene = await Scene.MakeAsync(provider);
        await scene.Presence.DisconnectedAsync("hv1");
        Task<Google.Protobuf.WellKnownTypes.Empty> Delete() => scene.Service.DeleteHypervisor(
            new DeleteHypervisorRequest { Name = "hypervisors/hv1" }, new FakeCall());
        await Expect.FaultAsync(StatusCode.FailedPrecondition, "HYPERVISOR_IN_USE", Delete);
        await scene.EvacuateAsync(true);
        await scene.StepAsync();
        await Delete();
        Assert.Empty(await scene.VmsAsync());
    }

    /// <summary>A guest that got away in the last moment keeps its disk.</summary>
    [Theory]
    [InlineData(Phase.Listening, 0, false)]
    [InlineData(Phase.Listening, 29, false)]
    [InlineData(Phase.Listening, 30, true)]
    [InlineData(Phase.Missed, 0, true)]
    [InlineData(Phase.Arrived, 3600, false)]
    public void AMigrationsTarget_IsAskedFirst(Phase phase, int seconds, bool gone)
    {
        var server = Server("s", Monolith.Compute.Servers.Power.Running);
        server.Migration = new ServerMigration("m", "", "hv1", "hv2", MigrationState.Copying, Now, Now, Now.AddHours(1), Placed: true);
        var incoming = VmOf(server.Uid, server.Name, VmRole.Incoming);
        incoming.ReportedMigration = VmWire.Keep(new VmMigration { Migration = "m", Phase = phase });
        Assert.Equal(gone, EvacuationStep.MayGiveUp(VmOf(server.Uid, server.Name), server, incoming, Now, Now.AddSeconds(seconds)));
        Assert.True(EvacuationStep.MayGiveUp(VmOf(server.Uid, server.Name, VmRole.Incoming), server, null, Now, Now));
    }

    [Fact]
    public void WhatIsStuck_IsNamedWithItsCause()
    {
        var server = Server("s", Monolith.Compute.Servers.Power.Running);
        server.Unsettled = true;
        server.Steps = [new(Monolith.Compute.Steps.StepNames.Placed, Monolith.Compute.Steps.StepStatus.Pending, "compute", Now, Now,
            "NO_VALID_HYPERVISOR", "None of 1 hypervisors can take it.")];
        Assert.Equal((false, "2 to be given up, 1 being made anew, 0 done. 1 cannot yet: projects/p/servers/s: None of 1 "
            + "hypervisors can take it."), EvacuationStep.Progress(2, [server], []));
        Assert.Equal((true, "There was nothing on it."), EvacuationStep.Progress(0, [], []));
    }

    [Theory]
    [InlineData("exit 0", null)]
    [InlineData("echo no power controller >&2; exit 3", "ended with 3: no power controller")]
    [InlineData("exit 1", "ended with 1: it said nothing.")]
    [InlineData("test \"$1\" = hv7 && test \"$MONOLITH_LABELS\" = '{\"bmc\":\"10.0.0.7\"}'", null)]
    public async Task TheFenceCommand_SaysByItsEnd_WhetherTheMachineIsOff(string script, string? why)
    {
        var path = Path.Combine(Path.GetTempPath(), "fence-" + Guid.NewGuid().ToString("N"));
        await File.WriteAllTextAsync(path, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            var row = new HypervisorRow { Name = "hypervisors/hv7", Labels = Labels.Store([new("bmc", "10.0.0.7")]) };
            var said = await new CommandFence(path).TurnOffAsync(row, default);
            if (why is null) Assert.Null(said);
            else Assert.Contains(why, said, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
        Assert.Contains("cannot be run", await new CommandFence(path).TurnOffAsync(
            new HypervisorRow { Name = "hypervisors/hv7" }, default), StringComparison.Ordinal);
    }
}
