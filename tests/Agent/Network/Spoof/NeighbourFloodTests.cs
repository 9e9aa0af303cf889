using System.Net;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Tests.Lab.Frames;

namespace Monolith.Agent.Tests.Network.Spoof;

/// <summary>The kernel's table of neighbours is the whole machine's, the fabric's switches among them.</summary>
[Trait("Needs", "root")]
public sealed class NeighbourFloodTests : IAsyncLifetime
{
    private const int Names = 4000;
    private const byte EchoRequest = 128, EchoReply = 129;
    private static readonly RuleSpec[] AllowAll = [new(RuleDirection.Egress), new(RuleDirection.Ingress)];
    private static readonly IPAddress Gateway = IPAddress.Parse("fe80::1");
    private readonly FabricLab lab = new(1, new DataPlaneOptions());

    public async ValueTask InitializeAsync() => await lab.PrepareAsync();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task Guest_UnderManyNames_FillsNoTable_AndTakesNothingFromOthers()
    {
        var plan = DataPlaneLab.Plan(1, AllowAll);
        var (hostile, other) = (await lab.StartGuestAsync(0, plan), await lab.StartGuestAsync(0, DataPlaneLab.Plan(2, AllowAll)));
        for (var i = 1; i <= Names; i++)
        {
            var name = IPAddress.Parse($"fe80::{i:x}:7");
            hostile.SendPacket(NeighbourSolicit(name, Gateway, Gateway, plan.Mac));
        }
        // What was sent before has arrived by then.
        await HeardAsync(hostile);
        var known = lab.Hypervisors[0].Run("ip", "-6", "neigh", "show", "dev", plan.TapName).Split('\n').Length;
        Assert.InRange(known, 1, 300);
        await HeardAsync(other);
    }

    /// <summary>The gateway answers a guest under its own address.</summary>
    private static Task HeardAsync(RawGuest guest)
    {
        var own = guest.Address(v6: true);
        return Eventually.HoldsAsync(
            () =>
            {
                guest.SendPacket(Ip(own, Gateway, 58, Icmp(own, Gateway, EchoRequest, [0, 7, 0, 2]), 64));
                return guest.Receive().Any(f => f.Length > 54 && f[20] == 58 && f[54] == EchoReply);
            },
            "the gateway answers");
    }
}
