using System.Net;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Network.RuleDirection;
using static Monolith.Agent.Network.RuleProtocol;

namespace Monolith.Agent.Tests.Network;

/// <summary>Floating addresses, and the one that guests of a machine share.</summary>
[Trait("Needs", "root")]
public sealed class TranslationTests : IAsyncLifetime
{
    private const string Floating4 = "203.0.113.7", Floating6 = "2001:db8::7", Shared4 = "203.0.113.100";
    private static readonly RuleSpec[] Open = [new(Egress), new(Ingress)];
    private readonly DataPlaneLab lab = new();

    public async ValueTask InitializeAsync()
    {
        await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);
        lab.WireIpv6();
    }

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task FloatingAddress_LeadsToTheGuest_WhichIsKnownByItOutside()
    {
        var guest = await lab.StartGuestAsync(Floating(DataPlaneLab.Plan(1, Open)));
        using var seen = new UdpEcho(lab.Office, 9000);
        using var inside = new UdpEcho(guest.Namespace, 9000);

        Assert.Equal("10.64.0.1", Routed("203.0.113.7"));
        Assert.Equal(0, lab.Office.Try("ping", "-c1", "-W1", Floating4).Code);
        Assert.Equal(0, lab.Office.Try("ping", "-c1", "-W1", Floating6).Code);
        Assert.Equal(Floating4, seen.AskFrom(guest.Namespace, DataPlaneLab.OfficeAddress));
        Assert.Equal(Floating6, seen.AskFrom(guest.Namespace, DataPlaneLab.OfficeAddress6));
        Assert.Equal(DataPlaneLab.OfficeAddress, inside.AskFrom(lab.Office, Floating4));
    }

    [Fact]
    public async Task FloatingAddress_IsJudgedByTheGuestsRules()
    {
        await lab.StartGuestAsync(Floating(DataPlaneLab.Plan(1, new RuleSpec(Egress), new RuleSpec(Ingress, Tcp, 80))));

        Assert.NotEqual(0, lab.Office.Try("ping", "-c1", "-W1", Floating4).Code);
    }

    [Fact]
    public async Task BetweenGuests_NobodyIsTranslatedButTheOneThatWasAskedFor()
    {
        var floating = await lab.StartGuestAsync(Floating(DataPlaneLab.Plan(1, Open)));
        var other = await lab.StartGuestAsync(DataPlaneLab.Plan(2, Open));
        using var echo = new UdpEcho(other.Namespace, 9000);
        using var answer = new UdpEcho(floating.Namespace, 9000);

        Assert.Equal("10.64.0.1", echo.AskFrom(floating.Namespace, "10.64.0.2"));
        Assert.Equal("10.64.0.2", answer.AskFrom(other.Namespace, Floating4));
    }

    [Fact]
    public async Task AddressThatMoves_TakesItsConnectionsFromTheOldGuest_AndTheNewOneHasItAtOnce()
    {
        var first = await lab.StartGuestAsync(Floating(DataPlaneLab.Plan(1, Open)));
        var second = await lab.StartGuestAsync(DataPlaneLab.Plan(2, Open));
        using var one = new UdpEcho(first.Namespace, 9000);
        using var two = new UdpEcho(second.Namespace, 9000);
        // One flow, of one source port, as a resolver's: it never looks new.
        using var flow = new UdpFlow(lab.Office, Floating4, 9000);
        Assert.True(flow.Asks());
        Assert.Equal(1, one.Heard);

        await lab.Plane.EnsurePortAsync(Floating(DataPlaneLab.Plan(2, Open)), DataPlaneLab.Cancellation);

        Assert.True(flow.Asks());
        Assert.Equal(1, one.Heard);
        Assert.Equal(1, two.Heard);

        // The other's plan comes later, and takes nothing away.
        await lab.Plane.EnsurePortAsync(DataPlaneLab.Plan(1, Open), DataPlaneLab.Cancellation);
        Assert.True(flow.Asks());
        Assert.Equal(2, two.Heard);
        Assert.True((await lab.ObserveAsync("port-2"))!.Filtered);
    }

    [Fact]
    public async Task AddressThatIsTaken_LeadsNowhere()
    {
        var guest = await lab.StartGuestAsync(Floating(DataPlaneLab.Plan(1, Open)));
        using var echo = new UdpEcho(guest.Namespace, 9000);
        using var flow = new UdpFlow(lab.Office, Floating4, 9000);
        Assert.True(flow.Asks());

        await lab.Plane.EnsurePortAsync(DataPlaneLab.Plan(1, Open), DataPlaneLab.Cancellation);

        Assert.False(flow.Asks());
        Assert.Equal("", lab.Hypervisor.Run("ip", "route", "show", Floating4));
        Assert.Equal("10.64.0.1", new UdpEcho(lab.Office, 9001).AskFromAndEnd(guest.Namespace, DataPlaneLab.OfficeAddress));
    }

    [Fact]
    public async Task SharedAddress_LetsGuestsOut_AndNobodyIn()
    {
        var one = await lab.StartGuestAsync(Sharing(DataPlaneLab.Plan(1, Open)));
        var two = await lab.StartGuestAsync(Sharing(DataPlaneLab.Plan(2, Open)));
        using var seen = new UdpEcho(lab.Office, 9000);

        Assert.Equal(Shared4, seen.AskFrom(one.Namespace, DataPlaneLab.OfficeAddress));
        Assert.Equal(Shared4, seen.AskFrom(two.Namespace, DataPlaneLab.OfficeAddress));
        Assert.NotEqual(0, lab.Office.Try("ping", "-c1", "-W1", Shared4).Code);
        Assert.Contains("blackhole", lab.Hypervisor.Run("ip", "route", "show", Shared4), StringComparison.Ordinal);

        one.PowerOff();
        await lab.Plane.RemovePortAsync("port-1", DataPlaneLab.Cancellation);
        Assert.Equal(Shared4, seen.AskFrom(two.Namespace, DataPlaneLab.OfficeAddress));
        two.PowerOff();
        await DataPlaneLab.UntilAsync(
            () => Task.FromResult(lab.Hypervisor.Run("ip", "route", "show", Shared4).Length == 0), "the shared address to go");
    }

    [Fact]
    public async Task AgentThatBeginsAnew_LeavesTranslationsAndTheirConnectionsAlone()
    {
        var guest = await lab.StartGuestAsync(Floating(DataPlaneLab.Plan(1, Open)));
        var sharing = await lab.StartGuestAsync(Sharing(DataPlaneLab.Plan(2, Open)));
        using var echo = new UdpEcho(guest.Namespace, 9000);
        using var seen = new UdpEcho(lab.Office, 9000);
        using var flow = new UdpFlow(lab.Office, Floating4, 9000);
        Assert.True(flow.Asks());
        var before = lab.Hypervisor.Run("nft", "-s", "list", "table", "inet", "monolith");

        await lab.RestartAsync();
        Assert.True(flow.Asks());
        Assert.Equal(Shared4, seen.AskFrom(sharing.Namespace, DataPlaneLab.OfficeAddress));
        await lab.Plane.EnsurePortAsync(Floating(DataPlaneLab.Plan(1, Open)), DataPlaneLab.Cancellation);
        await lab.Plane.EnsurePortAsync(Sharing(DataPlaneLab.Plan(2, Open)), DataPlaneLab.Cancellation);

        Assert.True(flow.Asks());
        Assert.Equal(before, lab.Hypervisor.Run("nft", "-s", "list", "table", "inet", "monolith"));
    }

    [Fact]
    public async Task WayOut_IsWhatTheKernelWouldTake()
    {
        var guest = await lab.StartGuestAsync(Floating(DataPlaneLab.Plan(1, Open)));
        await lab.StartGuestAsync(DataPlaneLab.Plan(2, Open));
        Assert.Equal("up1", await WayAsync(DataPlaneLab.OfficeAddress));
        Assert.Equal("up1", await WayAsync(DataPlaneLab.OfficeAddress6));
        Assert.Equal(TapName.Of("port-2"), await WayAsync("10.64.0.2"));
        Assert.Null(await WayAsync("198.18.7.7"));
        Assert.Null(await lab.Plane.WayToAsync("none", IPAddress.Parse("10.64.0.2"), DataPlaneLab.Cancellation));
        guest.PowerOff();

        Task<string?> WayAsync(string to) => lab.Plane.WayToAsync("port-1", IPAddress.Parse(to), DataPlaneLab.Cancellation);
    }

    private string Routed(string address) =>
        lab.Hypervisor.Run("ip", "route", "show", address).Contains(TapName.Of("port-1"), StringComparison.Ordinal) ? "10.64.0.1" : "";

    private static PortPlan Floating(PortPlan plan) => plan with
    {
        Translations = [.. plan.Addresses.Select(a => new AddressTranslation(
            IPAddress.Parse(a.GetAddressBytes().Length == 4 ? Floating4 : Floating6), a, true))],
        UntranslatedPrefixes = Cloud,
    };

    private static PortPlan Sharing(PortPlan plan) => plan with
    {
        Translations = [new AddressTranslation(IPAddress.Parse(Shared4), plan.Addresses[0], false)],
        UntranslatedPrefixes = Cloud,
    };

    private static IReadOnlyList<IPNetwork> Cloud =>
        [IPNetwork.Parse("10.64.0.0/16"), IPNetwork.Parse("fd64::/64"), IPNetwork.Parse("203.0.113.0/24")];
}
