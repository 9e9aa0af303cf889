using System.Net;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Monolith.Agent;
using Monolith.Agent.Images;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Probe;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Vms;
using Monolith.Simulation.Tests.World;
using VmImage = Monolith.Agent.V1.VmImage;

namespace Monolith.Simulation.Tests.Nodes;

/// <summary>
/// The drivers of one agent over the machine that outlives it. What is asked of the machine is done by the machine: the
/// agent that asked may be dead by then, and the thing done all the same, or not yet begun.
/// </summary>
internal sealed class NodeDrivers(HypervisorDrivers real, Process machine, Process agent, Random dice, Func<bool> fails,
    NodeFaults faults)
{
    readonly Channel<VmEvent> events = Channel.CreateUnbounded<VmEvent>();

    public HypervisorDrivers All => real with
    {
        Vms = new Machines(this),
        DataPlane = new Kernel(this),
        Images = new Cache(this),
        Probe = new Probes(this),
        Routes = new Fabric(this),
    };

    public void Tell(VmEvent happened) => events.Writer.TryWrite(happened);

    async Task DoAsync(Func<Task> act, Func<Exception> refusal, CancellationToken cancellation,
        [CallerMemberName] string method = "")
    {
        faults.Refuse(method);
        if (fails()) throw refusal();
        // Cancelling stops the waiting, and for the dead nobody waits.
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        machine.Start(async () =>
        {
            // It was asked for; whether the machine has heard it when its agent dies is for the dice.
            if (!agent.IsAlive && dice.Next(2) == 0) return;
            try
            {
                await act();
                done.TrySetResult();
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        });
        await done.Task.WaitAsync(cancellation);
    }

    static Exception NoStart() => new VmException(VmFailure.StartFailed, "QEMU did not start (simulated)");

    static Exception Busy() => new VmException(VmFailure.Busy, "QEMU does not answer (simulated)");

    static Exception Refused() => new IOException("the kernel refused (simulated)");

    sealed class Machines(NodeDrivers drivers) : IVmDriver
    {
        readonly IVmDriver real = drivers.Real.Vms;

        public VmCapabilities Capabilities => real.Capabilities;

        public ChannelReader<VmEvent> Events => drivers.events.Reader;

        public Task EnsureDiskAsync(VmPlan plan, string image, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.EnsureDiskAsync(plan, image, CancellationToken.None), Busy, cancellation);

        public Task StartAsync(VmPlan plan, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.StartAsync(plan, CancellationToken.None), NoStart, cancellation);

        public Task StopAsync(VmId id, StopMode mode, TimeSpan deadline, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.StopAsync(id, mode, deadline, CancellationToken.None), Busy, cancellation);

        public Task PlugAsync(VmPlan plan, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.PlugAsync(plan, CancellationToken.None), Busy, cancellation);

        public Task RestartAsync(VmPlan plan, StopMode mode, TimeSpan deadline, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.RestartAsync(plan, mode, deadline, CancellationToken.None), Busy, cancellation);

        public Task ReceiveAsync(VmPlan plan, VmIncoming incoming, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.ReceiveAsync(plan, incoming, CancellationToken.None), NoStart, cancellation);

        public Task SendAsync(VmId id, VmOutgoing outgoing, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.SendAsync(id, outgoing, CancellationToken.None), Busy, cancellation);

        public Task LetGoAsync(VmId id, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.LetGoAsync(id, CancellationToken.None), Busy, cancellation);

        public Task CancelSendAsync(VmId id, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.CancelSendAsync(id, CancellationToken.None), Busy, cancellation);

        public Task ReclaimAsync(VmPlan plan, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.ReclaimAsync(plan, CancellationToken.None), NoStart, cancellation);

        public Task SnapshotAsync(VmId id, string snapshot, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.SnapshotAsync(id, snapshot, CancellationToken.None), Busy, cancellation);

        public Stream? OpenSnapshot(VmId id, string snapshot) => real.OpenSnapshot(id, snapshot);

        public Task DropSnapshotAsync(VmId id, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.DropSnapshotAsync(id, CancellationToken.None), Busy, cancellation);

        public Task RemoveAsync(VmId id, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.RemoveAsync(id, CancellationToken.None), Busy, cancellation);

        public Task<IReadOnlyList<VmObservation>> ObserveAsync(CancellationToken cancellation) =>
            real.ObserveAsync(cancellation);

        public IReadOnlySet<ImageDigest> ImagesInUse() => real.ImagesInUse();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    HypervisorDrivers Real => real;

    sealed class Cache(NodeDrivers drivers) : IImages
    {
        public Task<string> FetchAsync(VmImage image, IProgress<long>? progress, CancellationToken cancellation)
        {
            drivers.Faults.Refuse(nameof(FetchAsync));
            return drivers.Real.Images.FetchAsync(image, progress, cancellation);
        }

        public void Keep(IReadOnlyList<VmImage> wanted) => drivers.Real.Images.Keep(wanted);

        public bool Holds(VmImage image) => drivers.Real.Images.Holds(image);

        public Task FetchAheadAsync(VmImage image, Func<IReadOnlySet<ImageDigest>> inUse, IProgress<long>? progress,
            CancellationToken cancellation)
        {
            drivers.Faults.Refuse(nameof(FetchAheadAsync));
            return drivers.Real.Images.FetchAheadAsync(image, inUse, progress, cancellation);
        }

        public void RemoveUnused(Func<IReadOnlySet<ImageDigest>> inUse) => drivers.Real.Images.RemoveUnused(inUse);
    }

    sealed class Probes(NodeDrivers drivers) : IGuestProbe
    {
        public async Task<bool> AnswersArpAsync(string tapName, MacAddress mac, IPAddress address, TimeSpan timeout,
            CancellationToken cancellation) =>
            await drivers.Real.Probe.AnswersArpAsync(tapName, mac, address, timeout, cancellation)
            && !drivers.Faults.IsBroken(nameof(AnswersArpAsync));

        public async Task<bool> AcceptsTcpAsync(IPEndPoint endpoint, TimeSpan timeout, CancellationToken cancellation) =>
            await drivers.Real.Probe.AcceptsTcpAsync(endpoint, timeout, cancellation)
            && !drivers.Faults.IsBroken(nameof(AcceptsTcpAsync));
    }

    sealed class Fabric(NodeDrivers drivers) : IRoutes
    {
        public async Task<int> CountPeersAsync(IReadOnlyCollection<IPAddress> addresses, CancellationToken cancellation) =>
            drivers.Faults.IsBroken(nameof(CountPeersAsync))
                ? 0
                : await drivers.Real.Routes.CountPeersAsync(addresses, cancellation);

        public Task WaitForChangeAsync(CancellationToken cancellation) => drivers.Real.Routes.WaitForChangeAsync(cancellation);
    }

    NodeFaults Faults => faults;

    sealed class Kernel(NodeDrivers drivers) : IDataPlane
    {
        readonly IDataPlane real = drivers.Real.DataPlane;

        public Task PrepareAsync(CancellationToken cancellation) => real.PrepareAsync(cancellation);

        public Task EnsureSetsAsync(IReadOnlyCollection<AddressSetPlan> sets, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.EnsureSetsAsync(sets, CancellationToken.None), Refused, cancellation);

        public Task RemoveSetsAsync(IReadOnlyCollection<string> setIds, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.RemoveSetsAsync(setIds, CancellationToken.None), Refused, cancellation);

        public Task EnsurePortAsync(PortPlan plan, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.EnsurePortAsync(plan, CancellationToken.None), Refused, cancellation);

        public Task RemovePortAsync(string portId, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.RemovePortAsync(portId, CancellationToken.None), Refused, cancellation);

        public Task RemoveTapAsync(string tapName, CancellationToken cancellation) =>
            drivers.DoAsync(() => real.RemoveTapAsync(tapName, CancellationToken.None), Refused, cancellation);

        public Task<IReadOnlyList<PortObservation>> ObserveAsync(CancellationToken cancellation) =>
            real.ObserveAsync(cancellation);

        public Task<string?> WayToAsync(string portId, System.Net.IPAddress destination, CancellationToken cancellation) =>
            real.WayToAsync(portId, destination, cancellation);

        public IAsyncEnumerable<DataPlaneEvent> WatchAsync(CancellationToken cancellation) =>
            real.WatchAsync(cancellation);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
