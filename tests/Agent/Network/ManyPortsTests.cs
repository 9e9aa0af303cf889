using System.Globalization;
using System.Net;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Network;

/// <summary>A hypervisor that is full: a hundred guests, each as reachable and as confined as if it were alone.</summary>
[Trait("Needs", "root")]
public sealed class ManyPortsTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Ports = 100, Open = 5000, Shut = 5001;
    private static readonly IReadOnlyList<PortPlan> Plans =
    [
        .. Enumerable.Range(1, Ports).Select(n => DataPlaneLab.Plan(
            n,
            new(RuleDirection.Egress),
            new(RuleDirection.Ingress, RuleProtocol.Udp, Open),
            // One rule of its own, so that no two share their chains.
            new(RuleDirection.Ingress, RuleProtocol.Tcp, 10_000 + n))),
    ];

    private readonly FabricLab lab = new(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await lab.PrepareAsync();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task AHundredPorts_AreFilteredRoutedAndAnswered_AndARestartChangesNothing()
    {
        var took = new List<double>();
        var guests = await lab.StartGuestsAsync(0, Plans, t => took.Add(t.TotalMilliseconds));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"set up: the first {took[0]:N1} ms, the median of 2-11 {Middle(took[1..11]):N1} ms, of 91-100 {Middle(took[90..]):N1} ms"));

        Assert.All(await ObserveAsync(), p => Assert.Equal((true, true, true, 2), (p.Filtered, p.Carrier, p.Planned, p.Routed.Count)));
        await EveryoneLeasesAsync(guests);
        await OnlyTheOpenPortArrivesAsync(guests);
        var before = lab.Hypervisors[0].Settings();

        await lab.RestartAsync(0);

        Assert.Equal(before, lab.Hypervisors[0].Settings());
        Assert.All(await ObserveAsync(), p => Assert.Equal((true, true, false, 2), (p.Filtered, p.Carrier, p.Planned, p.Routed.Count)));
        await OnlyTheOpenPortArrivesAsync(guests);
        foreach (var plan in Plans)
            await lab.Planes[0].EnsurePortAsync(plan, Cancellation);
        Assert.Equal(before, lab.Hypervisors[0].Settings());
        await EveryoneLeasesAsync(guests);
    }

    private Task<IReadOnlyList<PortObservation>> ObserveAsync() => lab.Planes[0].ObserveAsync(Cancellation);

    /// <summary>All ask at once, and each is offered its own address.</summary>
    private static async Task EveryoneLeasesAsync(RawGuest[] guests)
    {
        foreach (var guest in guests)
        {
            byte[] discover =
            [
                1, 1, 6, 0, 1, 2, 3, 4, .. new byte[20], .. guest.Mac.ToBytes(), .. new byte[202], 99, 130, 83, 99, 53, 1, 1, 255,
            ];
            var (nobody, everybody) = (IPAddress.Any, IPAddress.Broadcast);
            guest.Send(Frames.Ethernet(
                MacAddress.Broadcast, guest.Mac,
                Frames.Ip(nobody, everybody, 17, Frames.Udp(nobody, everybody, 68, 67, discover))));
        }

        var offered = new HashSet<IPAddress>();
        await Eventually.HoldsAsync(
            () =>
            {
                foreach (var guest in guests)
                {
                    foreach (var frame in guest.Receive().Where(f => Frames.Transport(f) is (17, 34) && f[35] == 67))
                    {
                        Assert.Equal(guest.Address(v6: false), new IPAddress(frame.AsSpan(58, 4)));
                        offered.Add(guest.Address(v6: false));
                    }
                }

                return offered.Count == Ports;
            },
            "an offer for every guest");
    }

    /// <summary>From outside, of both families: the last packet is one that arrives, so that none can come after it.</summary>
    private async Task OnlyTheOpenPortArrivesAsync(RawGuest[] guests)
    {
        foreach (var guest in guests)
        {
            foreach (var port in new[] { Shut, Open })
            {
                foreach (var v6 in new[] { false, true })
                {
                    var (from, to) = (lab.Outside.Address(v6), guest.Address(v6));
                    lab.Outside.SendPacket(Frames.Ip(from, to, 17, Frames.Udp(from, to, 4000, port, [])));
                }
            }
        }

        var arrived = new List<(RawGuest Guest, int Port)>();
        await Eventually.HoldsAsync(
            () =>
            {
                foreach (var guest in guests)
                {
                    foreach (var frame in guest.Receive())
                    {
                        if (Frames.Transport(frame) is (17, var at) && frame.AsSpan(at, 2).SequenceEqual(Frames.Big(4000)))
                            arrived.Add((guest, (frame[at + 2] << 8) | frame[at + 3]));
                    }
                }

                // Routers ask for their own neighbours once, and the machine outside answers.
                lab.Outside.Receive();
                return arrived.Distinct().Count() >= Ports && arrived.Count >= 2 * Ports;
            },
            "the open port of every guest");
        Assert.All(arrived, a => Assert.Equal(Open, a.Port));
        Assert.Equal(2 * Ports, arrived.Count);
    }

    private static double Middle(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
