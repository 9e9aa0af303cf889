using System.Net;
using Monolith.Agent.Emulated;
using Monolith.Agent.Reconcile;
using Monolith.Agent.Routing;
using Monolith.Agent.Tests.Lab;
using Monolith.Agent.Tests.Routing;

namespace Monolith.Agent.Tests.Conformance;

/// <summary>
/// What every routing does, real or emulated, and the <see cref="IRoutes"/> above it, on a node with one peer,
/// <c>tor1</c>.
/// </summary>
public abstract class RoutingConformance : IDisposable
{
    private static readonly IPAddress Vip = IPAddress.Parse("10.96.0.7"), Other = IPAddress.Parse("10.96.0.8");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected abstract IRouting Routing { get; }

    protected abstract IRoutes Routes { get; }

    public abstract void Dispose();

    [Fact]
    public async Task AnnouncedVip_GoesOut_AndWithdrawnGoesAway()
    {
        await EstablishedAsync();
        Assert.Empty(await ExportsAsync(Vip));
        for (var i = 0; i < 2; i++)
        {
            await Routing.AnnounceVipAsync(Vip, Stop);
            await Eventually.HoldsAsync(async () => (await ExportsAsync(Vip)).SequenceEqual(["tor1"]), "export");
        }
        Assert.Contains(Vip, await Routing.ListLoopbackAsync(Stop));
        Assert.Empty(await ExportsAsync(Other));
        // A wider prefix is another route.
        Assert.Empty(await Routing.ListExportsAsync(IPNetwork.Parse("10.96.0.0/24"), Stop));
        for (var i = 0; i < 2; i++)
        {
            await Routing.WithdrawVipAsync(Vip, Stop);
            await Eventually.HoldsAsync(async () => (await ExportsAsync(Vip)).Count == 0, "withdrawal");
        }
        Assert.DoesNotContain(Vip, await Routing.ListLoopbackAsync(Stop));
    }

    [Fact]
    public async Task Sessions_AreEstablished_EachUnderItsName()
    {
        await EstablishedAsync();
        var session = Assert.Single(await Routing.ListSessionsAsync(Stop));
        Assert.Equal(("tor1", "Established", BfdState.Up), (session.Name, session.State, session.Bfd));
    }

    [Fact]
    public async Task Loopback_HasTheMachinesOwnAddresses_AndVipsOfBothFamilies()
    {
        IPAddress[] vips = [Vip, IPAddress.Parse("fd96::7")];
        foreach (var vip in vips) await Routing.AnnounceVipAsync(vip, Stop);
        var found = await Routing.ListLoopbackAsync(Stop);
        Assert.Equal(
            [IPAddress.Loopback, IPAddress.IPv6Loopback, .. vips],
            found.OrderBy(a => !IPAddress.IsLoopback(a)).ThenBy(a => a.GetAddressBytes().Length));
        foreach (var vip in vips) await Routing.WithdrawVipAsync(vip, Stop);
        Assert.All(await Routing.ListLoopbackAsync(Stop), a => Assert.True(IPAddress.IsLoopback(a)));
    }

    [Fact]
    public async Task Peers_AreThoseThatHearEveryAddress()
    {
        await EstablishedAsync();
        Assert.Equal(0, await Routes.CountPeersAsync([], Stop));
        Assert.Equal(0, await Routes.CountPeersAsync([Vip], Stop));
        await Routing.AnnounceVipAsync(Vip, Stop);
        await Eventually.HoldsAsync(async () => await Routes.CountPeersAsync([Vip], Stop) == 1, "a peer hears it");
        Assert.Equal(0, await Routes.CountPeersAsync([Vip, Other], Stop));
        await Routing.AnnounceVipAsync(Other, Stop);
        await Eventually.HoldsAsync(async () => await Routes.CountPeersAsync([Vip, Other], Stop) == 1, "both");
        await Routing.WithdrawVipAsync(Vip, Stop);
        await Eventually.HoldsAsync(async () => await Routes.CountPeersAsync([Vip, Other], Stop) == 0, "one is gone");
    }

    [Fact]
    public async Task Wait_EndsWhenItIsCancelled()
    {
        using var enough = new CancellationTokenSource();
        var wait = Routes.WaitForChangeAsync(enough.Token);
        Assert.False(wait.IsCompleted);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
    }

    private Task<IReadOnlyList<string>> ExportsAsync(IPAddress vip) =>
        Routing.ListExportsAsync(new IPNetwork(vip, 32), Stop);

    private Task EstablishedAsync() => Eventually.HoldsAsync(
        async () =>
        {
            try
            {
                return (await Routing.ListSessionsAsync(Stop)).Any(s => s.Established && s.Bfd == BfdState.Up);
            }
            catch (IOException)
            {
                return false;
            }
        },
        "session");
}

public sealed class EmulatedRoutingConformance : RoutingConformance
{
    private readonly EmulatedLoadBalancerNode node = new(Emulation.Instant with { Peers = 1 });

    protected override IRouting Routing => node.Routing;

    protected override IRoutes Routes => node.Drivers.Routes;

    public override void Dispose()
    {
    }
}

[Trait("Needs", "root")]
public sealed class BirdRoutingConformance : RoutingConformance
{
    private readonly BirdWire wire = new();
    private readonly BirdRouting routing;

    public BirdRoutingConformance()
    {
        wire.Start();
        routing = new BirdRouting(wire.Socket("node"), TimeProvider.System, wire.Node.Path);
        Routes = new FabricRoutes(routing, TimeProvider.System);
    }

    protected override IRouting Routing => routing;

    protected override IRoutes Routes { get; }

    public override void Dispose()
    {
        routing.Dispose();
        wire.Dispose();
    }
}
