using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Network;
using Monolith.Agent.Tests.Lab;
using static Monolith.Agent.Network.RuleDirection;
using static Monolith.Agent.Network.RuleProtocol;

namespace Monolith.Agent.Tests.Network;

/// <summary>What a port is allowed beyond its own addresses, and how much.</summary>
[Trait("Needs", "root")]
public sealed class SourceAndRateTests : IAsyncLifetime
{
    private static readonly RuleSpec[] Open = [new(Egress), new(Ingress)];
    private readonly DataPlaneLab lab = new();

    public async ValueTask InitializeAsync() => await lab.Plane.PrepareAsync(DataPlaneLab.Cancellation);

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task AllowedPrefix_MayBeSentFrom_AndItsNeighbourMayNot()
    {
        var router = await lab.StartGuestAsync(DataPlaneLab.Plan(1, Open) with
        {
            // The last is the fabric's, and nobody's to send from, whoever allowed it.
            AllowedPrefixes = [IPNetwork.Parse("172.16.5.0/24"), IPNetwork.Parse("fd99::/64"), IPNetwork.Parse("10.255.0.0/16")],
        });
        var other = await lab.StartGuestAsync(DataPlaneLab.Plan(2, Open));
        using var echo = new UdpEcho(other.Namespace, 9000);
        foreach (var address in new[] { "172.16.5.9/32", "172.16.6.9/32", "10.255.7.7/32", "fd99::9/128" })
            router.Namespace.Run(["ip", "addr", "add", address, "dev", "eth0", .. address.Contains(':') ? ["nodad"] : Array.Empty<string>()]);

        Assert.True(await Arrives("172.16.5.9", "10.64.0.2"));
        Assert.True(await Arrives("fd99::9", "fd64::2"));
        Assert.False(await Arrives("172.16.6.9", "10.64.0.2"));
        Assert.False(await Arrives("10.255.7.7", "10.64.0.2"));

        await lab.Plane.EnsurePortAsync(DataPlaneLab.Plan(1, Open), DataPlaneLab.Cancellation);
        Assert.False(await Arrives("172.16.5.9", "10.64.0.2"));

        // Nothing leads back: what arrived is seen by whoever was asked.
        async Task<bool> Arrives(string source, string target)
        {
            var before = echo.Heard;
            var (from, to) = (IPAddress.Parse(source), IPAddress.Parse(target));
            using var socket = Sockets.In(router.Namespace, from.AddressFamily, s => s.Bind(new IPEndPoint(from, 0)));
            for (var attempt = 0; attempt < 20; attempt++)
            {
                await socket.SendToAsync("?"u8.ToArray(), SocketFlags.None, new IPEndPoint(to, 9000));
                using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
                await timer.WaitForNextTickAsync(DataPlaneLab.Cancellation);
                if (echo.Heard > before)
                    return true;
            }

            return false;
        }
    }

    [Fact]
    public async Task PrefixSet_OpensThePortToItsPrefixes()
    {
        var server = await lab.StartGuestAsync(
            DataPlaneLab.Plan(1, new(Egress), new(Ingress, Tcp, 5432, RemoteSetId: "offices", IsPrefixSet: true)));
        var client = await lab.StartGuestAsync(DataPlaneLab.Plan(2, Open));
        using var listening = new Listeners(server.Namespace, 5432);
        Assert.False(client.Connects("10.64.0.1", 5432));

        await Offices("192.0.2.0/24", "10.64.0.0/28", "10.64.0.0/16", "fd64::/64");
        Assert.True(client.Connects("10.64.0.1", 5432));
        Assert.True(client.Connects("fd64::1", 5432));

        await Offices("10.64.0.3/32", "192.0.2.0/25");
        Assert.False(client.Connects("10.64.0.1", 5432));

        Task Offices(params string[] prefixes) => lab.Plane.EnsureSetsAsync(
            [new AddressSetPlan("offices", [], [.. prefixes.Select(IPNetwork.Parse)])], DataPlaneLab.Cancellation);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rate_HoldsWhatComesAndGoes_WithoutTouchingTheOtherPort(bool egress)
    {
        const long rate = 2_000_000;
        var limited = await lab.StartGuestAsync(DataPlaneLab.Plan(1, Open) with
        {
            EgressRate = egress ? rate : 0,
            IngressRate = egress ? 0 : rate,
        });
        var free = await lab.StartGuestAsync(DataPlaneLab.Plan(2, Open));

        // A second's worth may come at once, and 128 KiB; 4 MB are sent as fast as it goes.
        var (arrived, seconds) = Flood(egress ? limited : free, egress ? free : limited, egress ? "10.64.0.2" : "10.64.0.1");
        Assert.InRange(arrived, 100_000, (long)(rate / 8 * (seconds + 1.05)) + 131_072);
        var (unlimited, _) = Flood(egress ? free : limited, egress ? limited : free, egress ? "10.64.0.1" : "10.64.0.2");
        Assert.True(unlimited > arrived * 1.5, $"{unlimited} the other way, {arrived} against the limit");
    }

    /// <returns>Bytes of IP that arrived, and the time from the first to the last.</returns>
    private static (long Bytes, double Seconds) Flood(Guest from, Guest to, string target)
    {
        const int size = 1000, count = 4000;
        using var receiver = Sockets.In(to.Namespace, AddressFamily.InterNetwork, s =>
        {
            s.ReceiveBufferSize = 16 * 1024 * 1024;
            s.Bind(new IPEndPoint(IPAddress.Any, 9100));
        });
        using var sender = Sockets.In(from.Namespace, AddressFamily.InterNetwork, s => s.Connect(IPAddress.Parse(target), 9100));
        receiver.ReceiveTimeout = 500;
        var begun = Stopwatch.GetTimestamp();
        var payload = new byte[size];
        var (bytes, last) = (0L, 0.0);
        for (var i = 0; i < count; i++)
        {
            sender.Send(payload);
            while (receiver.Available > 0)
                Take();
        }

        try
        {
            while (true)
                Take();
        }
        catch (SocketException)
        {
            // Half a second of nothing: that was all.
        }

        return (bytes, last);

        void Take()
        {
            bytes += receiver.Receive(payload) + 28;
            last = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        }
    }
}
