using System.Diagnostics;
using System.Net;
using Monolith.Agent.Routing;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Routing;

/// <summary>Two real BIRDs on one wire, unnumbered.</summary>
[Trait("Needs", "root")]
public sealed class BirdRoutingTests : IDisposable
{
    private readonly TestNamespace node = new("node");
    private readonly TestNamespace tor = new("tor");
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mt-bird-");
    private readonly List<Process> birds = [];

    [Fact]
    public async Task AnnouncedVip_GoesOut_AndWithdrawnGoesAway()
    {
        Wire();
        StartBird(node, "node", "10.0.0.1", 65101, "tor1", "fe80::1%up1", 65001);
        StartBird(tor, "tor", "10.0.1.1", 65001, "node", "fe80::101%d1", 65101);
        using var routing = new BirdRouting(Socket("node"), TimeProvider.System, node.Path);
        var vip = IPAddress.Parse("10.96.0.7");
        await DataPlaneLab.UntilAsync(
            async () => (await Sessions()).Any(s => s.Established && s.Bfd == BfdState.Up), "session");
        Assert.Empty(await Exports());

        await routing.AnnounceVipAsync(vip, DataPlaneLab.Cancellation);
        await routing.AnnounceVipAsync(vip, DataPlaneLab.Cancellation);
        await DataPlaneLab.UntilAsync(async () => (await Exports()).SequenceEqual(["tor1"]), "export");
        Assert.Contains(vip, await routing.ListLoopbackAsync(DataPlaneLab.Cancellation));

        await routing.WithdrawVipAsync(vip, DataPlaneLab.Cancellation);
        await routing.WithdrawVipAsync(vip, DataPlaneLab.Cancellation);
        await DataPlaneLab.UntilAsync(async () => (await Exports()).Count == 0, "withdrawal");

        Task<IReadOnlyList<string>> Exports() =>
            routing.ListExportsAsync(new IPNetwork(vip, 32), DataPlaneLab.Cancellation);

        async Task<IReadOnlyList<BgpSession>> Sessions()
        {
            try
            {
                return await routing.ListSessionsAsync(DataPlaneLab.Cancellation);
            }
            catch (IOException)
            {
                return [];
            }
        }
    }

    [Fact]
    public async Task NoBird_IsAnErrorThatSaysWhatToDo()
    {
        using var routing = new BirdRouting(Socket("none"), TimeProvider.System, node.Path);

        var error = await Assert.ThrowsAsync<IOException>(() => routing.ListSessionsAsync(DataPlaneLab.Cancellation));

        Assert.Contains("bird runs with -s", error.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        foreach (var bird in birds)
        {
            bird.Kill();
            bird.WaitForExit();
            bird.Dispose();
        }

        node.Dispose();
        tor.Dispose();
        directory.Delete(recursive: true);
    }

    private string Socket(string name) => Path.Combine(directory.FullName, name + ".ctl");

    private void Wire()
    {
        TestNamespace.Host(
            "ip", "link", "add", "up1", "netns", node.Name, "type", "veth", "peer", "name", "d1", "netns", tor.Name);
        foreach (var (where, name, address) in new[] { (node, "up1", "fe80::101/64"), (tor, "d1", "fe80::1/64") })
        {
            where.Run("ip", "link", "set", name, "addrgenmode", "none");
            where.Run("ip", "link", "set", name, "up");
            where.Run("ip", "addr", "add", address, "dev", name, "nodad");
        }
    }

    private void StartBird(
        TestNamespace where, string name, string id, int asn, string peer, string neighbor, int peerAsn)
    {
        var file = Path.Combine(directory.FullName, name + ".conf");
        File.WriteAllText(file, $$"""
            router id {{id}};
            protocol device { scan time 1; }
            protocol direct { ipv4; interface "lo"; }
            protocol bfd { interface "*" { min rx interval 100 ms; min tx interval 100 ms; multiplier 5; }; }
            protocol bgp {{peer}} {
              local as {{asn}}; neighbor {{neighbor}} as {{peerAsn}}; bfd on;
              connect delay time 1; connect retry time 1; error wait time 1, 2;
              ipv4 { import all; export where source = RTS_DEVICE; extended next hop on; next hop self; };
            }
            """);
        birds.Add(where.Start("bird", "-f", "-c", file, "-s", Socket(name)));
    }
}
