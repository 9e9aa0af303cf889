using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;

namespace Monolith.Agent.Daemon;

/// <summary>What this machine has.</summary>
internal static class Machine
{
    public static string BootId => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    public static Inventory Inventory(VmCapabilities vms, string stateDirectory, string zone)
    {
        var inventory = new Inventory
        {
            Cpus = Environment.ProcessorCount,
            MemoryMib = MemoryMib(File.ReadLines("/proc/meminfo")),
            DiskGib = new DriveInfo(Path.GetFullPath(stateDirectory)).TotalSize >> 30,
            Architecture = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "aarch64" : "x86_64",
            AvailabilityZone = zone,
        };
        foreach (var (name, value) in Capabilities(vms)) inventory.Capabilities[name] = value;
        return inventory;
    }

    public static IEnumerable<KeyValuePair<string, string>> Capabilities(VmCapabilities vms)
    {
        yield return KeyValuePair.Create("accel", vms.Accelerator);
        if (vms.AcceleratorCause.Length > 0) yield return KeyValuePair.Create("accel_cause", vms.AcceleratorCause);
        yield return KeyValuePair.Create("qemu", vms.QemuVersion);
        // With KVM a guest sees the machine's own processor, and goes on only where there is one like it.
        if (vms.Accelerator == "kvm" && Processor(File.ReadLines("/proc/cpuinfo")) is { } cpu)
            yield return KeyValuePair.Create("cpu", cpu);
        yield return KeyValuePair.Create("cgroup", vms.CgroupVersion > 0 ? $"v{vms.CgroupVersion}" : "none");
        if (vms.CgroupCause.Length > 0) yield return KeyValuePair.Create("cgroup_cause", vms.CgroupCause);
        if (vms.VmUser is not null) yield return KeyValuePair.Create("vm_user", vms.VmUser);
    }

    /// <summary>
    /// The address of this machine that packets to the host leave from: another node reaches it as the host does. Null
    /// while there is no way to the host.
    /// </summary>
    /// <param name="host"><c>name:port</c>.</param>
    public static string? AddressTowards(string host)
    {
        try
        {
            var at = new Uri($"https://{host}");
            // To connect a datagram socket sends nothing.
            using var socket = new Socket(System.Net.Dns.GetHostAddresses(at.DnsSafeHost)[0].AddressFamily, SocketType.Dgram, 0);
            socket.Connect(at.DnsSafeHost, at.Port);
            return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
        }
        catch (SocketException)
        {
            return null;
        }
    }

    internal static string? Processor(IEnumerable<string> cpuinfo) => cpuinfo
        .Where(line => line.StartsWith("model name", StringComparison.Ordinal))
        .Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()).FirstOrDefault();

    internal static long MemoryMib(IEnumerable<string> meminfo)
    {
        foreach (var line in meminfo)
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["MemTotal:", var kib, ..])
                return long.Parse(kib, CultureInfo.InvariantCulture) >> 10;
        }

        return 0;
    }
}
