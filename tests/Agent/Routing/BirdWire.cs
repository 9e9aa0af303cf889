using System.Diagnostics;
using Monolith.Agent.Tests.Lab;

namespace Monolith.Agent.Tests.Routing;

/// <summary>Two real BIRDs on one wire, unnumbered: a node and its top-of-rack router.</summary>
internal sealed class BirdWire : IDisposable
{
    private readonly TestNamespace tor = new("tor");
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mt-bird-");
    private readonly List<Process> birds = [];

    public TestNamespace Node { get; } = new("node");

    public void Start()
    {
        Wire();
        StartBird(Node, "node", "10.0.0.1", 65101, "tor1", "fe80::1%up1", 65001);
        StartBird(tor, "tor", "10.0.1.1", 65001, "node", "fe80::101%d1", 65101);
    }

    public TestNamespace Tor => tor;

    /// <summary>The ToR's daemon dies.</summary>
    public void Cut() => birds[1].Kill();

    public void Dispose()
    {
        foreach (var bird in birds)
        {
            bird.Kill();
            bird.WaitForExit();
            bird.Dispose();
        }

        Node.Dispose();
        tor.Dispose();
        directory.Delete(recursive: true);
    }

    public string Socket(string name) => Path.Combine(directory.FullName, name + ".ctl");

    private void Wire()
    {
        TestNamespace.Host(
            "ip", "link", "add", "up1", "netns", Node.Name, "type", "veth", "peer", "name", "d1", "netns", tor.Name);
        foreach (var (where, name, address) in new[] { (Node, "up1", "fe80::101/64"), (tor, "d1", "fe80::1/64") })
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
