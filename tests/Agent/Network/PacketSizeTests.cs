using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Network.RuleDirection;

namespace Monolith.Agent.Tests.Network;

/// <summary>A port that takes smaller packets than the fabric has, in both families.</summary>
[Trait("Needs", "root")]
public sealed class PacketSizeTests : IAsyncLifetime
{
    private const int Mtu = 1400;
    private readonly DataPlaneLab lab = new();

    /// <summary>An address of the guest, and the headers of a ping to it.</summary>
    public static TheoryData<string, int> Families => new() { { "10.64.0.1", 28 }, { "fd64::1", 48 } };

    public async ValueTask InitializeAsync()
    {
        lab.WireIpv6();
        await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);
        var guest = await lab.StartGuestAsync(DataPlaneLab.Plan(1, new(Egress), new(Ingress)) with { Mtu = Mtu });
        guest.Namespace.Run("ip", "link", "set", "eth0", "mtu", $"{Mtu}");
    }

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Theory]
    [MemberData(nameof(Families))]
    public void Packet_AsLargeAsThePortTakes_Passes(string address, int headers) =>
        Assert.Equal(0, Ping(address, "-M", "do", "-s", $"{Mtu - headers}").Code);

    /// <summary>Path MTU discovery (RFC 1191, RFC 8201) needs the hypervisor's word.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void Packet_ThatIsLarger_IsAnsweredWithWhatThePortTakes(string address, int headers)
    {
        var (code, output) = Ping(address, "-M", "do", "-s", $"{Mtu - headers + 1}");
        Assert.NotEqual(0, code);
        Assert.Matches($"mtu ?= ?{Mtu}", output);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Packet_InPieces_ArrivesWhole(string address, int _) => Assert.Equal(0, Ping(address, "-M", "dont", "-s", "4000").Code);

    private (int Code, string Output) Ping(string address, params string[] more) =>
        lab.Office.Try(["ping", "-c2", "-W2", "-i0.2", .. more, address]);
}
