using Google.Protobuf.WellKnownTypes;
using Monolith.Agent.V1;

namespace Monolith.Agent.Tests.Nodes;

/// <summary>Desired items as a host would send them.</summary>
internal static class Wishes
{
    public static string VmId(int n) => $"0193e5a0-0000-7000-8000-{n:x12}";

    public static string PortId(int n) => $"0193e5a0-1111-7000-8000-{n:x12}";

    public static Vm Vm(
        int n, ulong generation = 1, Vm.Types.Power power = V1.Vm.Types.Power.Running, uint restarts = 0,
        bool hard = false, bool port = true)
    {
        var vm = new Vm
        {
            Id = VmId(n), Generation = generation, Power = power, Restarts = restarts, Hard = hard,
            Server = $"projects/p/servers/web{n}", Vcpus = 1, MemoryMib = 128, DiskGib = 1,
            Image = new VmImage { Sha256 = new string('a', 64), SizeBytes = 1 << 20, Format = "qcow2" },
            Metadata = new VmMetadata { InstanceId = VmId(n), Hostname = $"web{n}" },
            ReadyTimeout = Duration.FromTimeSpan(TimeSpan.FromMinutes(2)),
        };
        if (port) vm.Ports.Add(new VmPort { Id = PortId(n), MacAddress = Mac(n), Mtu = 1500 });
        return vm;
    }

    public static PortSpec Port(int n, ulong generation = 1) => new()
    {
        Id = PortId(n), Generation = generation, MacAddress = Mac(n), Mtu = 1500,
        Addresses = { $"10.64.{n / 250}.{(n % 250) + 1}" }, Hostname = $"web{n}",
        Rules = { new PortRule { Protocol = "any", Egress = true, IcmpType = -1 } },
    };

    private static string Mac(int n) => $"52:54:00:00:{n / 256:x2}:{n % 256:x2}";
}
