using System.Globalization;

namespace Monolith.Fleet.Hosts;

/// <summary>What the kernel allows a fleet on one machine. Immutable.</summary>
/// <param name="OpenFiles">The most that a process may raise its limit to; the host and the fleet both do so.</param>
/// <param name="Ports">Local ports for outgoing connections.</param>
/// <param name="FreeGib">Memory that can be had.</param>
internal sealed record Limits(long OpenFiles, int Ports, double FreeGib)
{
    // Each node has one connection. One more for its join or for the connection before, which lingers for a minute.
    const int PortsANode = 2, FilesBeside = 1000, PortsBeside = 500;
    const double GibANode = 0.4 / 1024;

    public static Limits Now() => new(
        OpenFilesOf(File.ReadAllText("/proc/self/limits")),
        PortsOf(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range")),
        Machine.GibOf(File.ReadAllText("/proc/meminfo"), "MemAvailable:"));

    /// <summary>What is too little for so many nodes, each with what to do.</summary>
    public IEnumerable<string> Violations(int nodes)
    {
        var (files, ports, gib) = (nodes + FilesBeside, (nodes * PortsANode) + PortsBeside, nodes * GibANode);
        if (OpenFiles < files)
            yield return $"{nodes} nodes need {files} open files, and the hard limit is {OpenFiles}: "
                + $"`ulimit -Hn {files}` as root, or LimitNOFILE={files} of the service";
        if (Ports < ports)
            yield return $"{nodes} nodes need {ports} local ports, and there are {Ports}: "
                + "`sysctl net.ipv4.ip_local_port_range=\"32768 65535\"`, or a lower beginning above the host's ports";
        if (FreeGib < gib)
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{nodes} nodes need {gib:0.0} GiB of memory, and {FreeGib:0.0} GiB can be had: fewer nodes");
    }

    // Max open files            1024                 20000                files
    internal static long OpenFilesOf(string limits)
    {
        var line = limits.Split('\n').FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        var hard = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4];
        return hard is null or "unlimited" ? long.MaxValue : long.Parse(hard, CultureInfo.InvariantCulture);
    }

    internal static int PortsOf(string range)
    {
        var ends = range.Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return int.Parse(ends[1], CultureInfo.InvariantCulture) - int.Parse(ends[0], CultureInfo.InvariantCulture) + 1;
    }
}
