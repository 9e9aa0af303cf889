using System.Globalization;

namespace Monolith.Agent.Vms;

/// <summary>What the machine, not the plan, decides about QEMU's arguments.</summary>
/// <param name="Accelerator"><c>kvm</c> or <c>tcg</c>.</param>
/// <param name="RunAs">The user to become after everything is open; null to stay.</param>
/// <param name="PidFile">Absolute: by this argument a VM is found whose spawner died at once.</param>
/// <param name="Incoming">Its guest comes from another hypervisor.</param>
internal sealed record VmHost(string Accelerator, string? RunAs, string PidFile, bool Incoming = false);

/// <summary>
/// A plan to QEMU's arguments. Pure. Paths are relative to the VM's directory, which is QEMU's working directory.
/// <code>
///   pcie.0 ─┬─ rp0 ── virtio-blk (disk.qcow2 over the image; rescued: rescue.qcow2, and the disk on the last port)
///           ├─ rp1… ─ virtio-net (a tap each)
///           ├─ spare root ports, for what is plugged at run time
///           ├─ rpN ── virtio-blk (drive.iso, read-only), where it has one
///           ├─ virtio-rng, pvpanic
///           ├─ VGA, which nobody looks at but screendump
///           └─ ISA serial ── serial.sock + serial.log
/// </code>
/// </summary>
internal static class VmCommandLine
{
    public const string Disk = "disk.qcow2";
    public const string DiskNode = "disk0";
    public const string RescueDisk = "rescue.qcow2";
    public const string Drive = "drive.iso";
    private const string DiskDevice = "disk";

    /// <summary>Of the disk's device in QEMU's tree of objects.</summary>
    public const string DiskPath = "/machine/peripheral/" + DiskDevice + "/virtio-backend";

    public const string MonitorSocket = "qmp.sock";
    public const string SerialSocket = "serial.sock";
    public const string SerialLog = "serial.log";
    public const string Screen = "screen.png";

    /// <summary>Of the first bus, which has other devices as well.</summary>
    public const int MaxSlots = 24;

    private const string Card = "nic";
    private const int ShapesPorts = 6;

    /// <summary>Places for devices, while it is not rescued.</summary>
    public static int SlotsOf(VmPlan plan) =>
        plan.Slots > 0 ? plan.Slots : 1 + plan.Ports.Count + (plan.Machine ?? new VmMachine()).SparePorts;

    /// <summary>The card's device. Numbered from 0, as the ports of guests that run have always been.</summary>
    public static string CardOf(int slot) => Text($"{Card}{slot - 1}");

    public static string BackendOf(int slot) => Text($"net{slot - 1}");

    /// <returns>Null: the device is no card.</returns>
    public static int? SlotOfCard(string device) =>
        device.StartsWith(Card, StringComparison.Ordinal)
        && int.TryParse(device.AsSpan(Card.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number + 1 : null;

    public static List<string> Build(VmPlan plan, VmHost host)
    {
        var machine = plan.Machine ?? new VmMachine();
        var arguments = new List<string>();
        AddMachine(arguments, plan, machine, host);
        AddConfinement(arguments, host);
        AddConsoles(arguments);
        AddDevices(arguments, plan, host);
        if (host.Incoming) arguments.AddRange(["-incoming", "defer"]);
        return arguments;
    }

    /// <summary>
    /// What a guest can only learn by a restart. Equal shapes: a restart would change nothing. The arguments themselves
    /// are no measure: a newer agent may word them otherwise, and its VMs need no restart for that.
    /// </summary>
    public static string Shape(VmPlan plan)
    {
        var machine = plan.Machine ?? new VmMachine();
        var ports = PortsShape(plan);
        // Of what has none, it is what it was before there were such things.
        var rescue = plan.Rescue is null ? "" : $"|{plan.Rescue.Image}";
        var drive = plan.Drive is null ? "" : $"|drive {plan.Drive.Label}";
        return Text(
            $"{plan.Vcpus}|{plan.MemoryMib}|{plan.Uuid}|{machine.Type}|{machine.Cpu}|{machine.SparePorts}|{ports}{rescue}{drive}");
    }

    /// <summary>The shape of a guest whose cards have become those of the plan while it ran, and nothing else.</summary>
    public static string WithCards(string shape, VmPlan plan)
    {
        var parts = shape.Split('|');
        if (parts.Length <= ShapesPorts) return shape;
        parts[ShapesPorts] = PortsShape(plan);
        return string.Join('|', parts);
    }

    /// <summary>The cards of a guest by its shape, each with its slot.</summary>
    /// <returns>Null: it is no shape.</returns>
    public static IReadOnlyList<VmPort>? CardsOf(string shape)
    {
        var parts = shape.Split('|');
        if (parts.Length <= ShapesPorts) return null;
        var cards = parts[ShapesPorts].Split(';', StringSplitOptions.RemoveEmptyEntries).Select(c => c.Split(',')).ToList();
        int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        return [.. cards.Select((c, i) => new VmPort(c[0], c[1], Number(c[2]), c.Length > 3 ? Number(c[3]) : i + 1))];
    }

    private static string PortsShape(VmPlan plan) => string.Join(';', plan.Placed().Select((p, i) =>
        // Where it is in its own place, it is what it was before there were others.
        Text($"{p.Mac},{p.Tap},{p.Mtu}") + (p.Slot == i + 1 ? "" : Text($",{p.Slot}"))));

    private static void AddMachine(List<string> to, VmPlan plan, VmMachine machine, VmHost host)
    {
        var kvm = host.Accelerator == "kvm";
        to.AddRange(["-name", $"guest={Escape(plan.Name)},debug-threads=on"]);
        to.AddRange(["-uuid", plan.Uuid.ToString()]);
        to.AddRange(["-machine", $"{machine.Type},usb=off,vmport=off"]);
        to.AddRange(["-accel", kvm ? "kvm" : "tcg,thread=multi,tb-size=32"]);
        to.AddRange(["-cpu", machine.Cpu ?? (kvm ? "host" : "max")]);
        to.AddRange(["-smp", Text($"cpus={plan.Vcpus},sockets=1,cores={plan.Vcpus},threads=1")]);
        to.AddRange(["-m", Text($"size={plan.MemoryMib}M")]);
        to.AddRange(["-nodefaults", "-no-user-config", "-display", "none"]);
        to.AddRange(["-rtc", "base=utc"]);
        to.AddRange(["-boot", "strict=on,menu=off"]);
        // cloud-init looks for its metadata at 169.254.169.254 when the machine says that it is this product.
        to.AddRange(["-smbios", $"type=1,manufacturer=Monolith,product=OpenStack Nova,uuid={plan.Uuid}"]);
        // A guest that powers off leaves QEMU paused, so that an agent that was away meanwhile can tell it from a
        // crash.
        to.AddRange(["-action", "shutdown=pause,panic=none"]);
        // A guest that was sent while it stood still runs when it has arrived, with or without an agent there.
        to.AddRange(["-global", "migration.store-global-state=off"]);
    }

    internal static void AddConfinement(List<string> to, VmHost host)
    {
        // elevateprivileges=deny would refuse the setuid of -runas.
        to.AddRange(["-sandbox", "on,obsolete=deny,spawn=deny,resourcecontrol=deny"]);
        if (host.RunAs is not null) to.AddRange(["-runas", host.RunAs]);
        to.AddRange(["-pidfile", host.PidFile, "-msg", "timestamp=on"]);
    }

    private static void AddConsoles(List<string> to)
    {
        to.AddRange(["-chardev", $"socket,id=qmp,path={MonitorSocket},server=on,wait=off"]);
        to.AddRange(["-mon", "chardev=qmp,mode=control"]);
        to.AddRange([
            "-chardev",
            $"socket,id=serial0,path={SerialSocket},server=on,wait=off,logfile={SerialLog},logappend=on"]);
        to.AddRange(["-serial", "chardev:serial0"]);
    }

    private static void AddDevices(List<string> to, VmPlan plan, VmHost host)
    {
        var rescued = plan.Rescue is not null;
        var slots = SlotsOf(plan) + (rescued ? 1 : 0);
        // On the last bus: a guest that numbers its disks as it finds them finds its own first.
        var ports = slots + (plan.Drive is null ? 0 : 1);
        for (var i = 0; i < ports; i++)
            to.AddRange(["-device", Text($"pcie-root-port,id=rp{i},bus=pcie.0,chassis={i + 1},slot={i + 1}")]);
        to.AddRange(["-blockdev", $"driver=file,node-name={DiskNode}-file,filename={Disk},discard=unmap"]);
        to.AddRange([
            "-blockdev",
            $"driver=qcow2,node-name={DiskNode},file={DiskNode}-file,discard=unmap,detect-zeroes=unmap"]);
        // The guest goes on by itself once it has arrived, agent or not: the export that its disk came through is then
        // still open beside it.
        var shared = host.Incoming ? ",share-rw=on" : "";
        if (rescued)
            to.AddRange([
                "-blockdev", $"driver=file,node-name=rescue0-file,filename={RescueDisk},discard=unmap",
                "-blockdev", "driver=qcow2,node-name=rescue0,file=rescue0-file,discard=unmap",
                "-device", "virtio-blk-pci,id=rescue,drive=rescue0,bus=rp0,bootindex=1,discard=on"]);
        var place = rescued ? Text($"bus=rp{slots - 1}") : "bus=rp0,bootindex=1";
        to.AddRange([
            "-device", $"virtio-blk-pci,id={DiskDevice},drive={DiskNode},{place},discard=on{shared}"]);
        foreach (var port in plan.Placed())
        {
            var (card, backend) = (CardOf(port.Slot), BackendOf(port.Slot));
            to.AddRange(["-netdev", $"tap,id={backend},ifname={port.Tap},script=no,downscript=no"]);
            // Without a boot ROM the firmware does not try the network.
            to.AddRange(["-device", Text(
                $"virtio-net-pci,id={card},netdev={backend},mac={port.Mac},host_mtu={port.Mtu},bus=rp{port.Slot},romfile=")]);
        }
        if (plan.Drive is not null)
            to.AddRange([
                "-blockdev", $"driver=file,node-name=drive0-file,filename={Drive},read-only=on",
                "-blockdev", "driver=raw,node-name=drive0,file=drive0-file,read-only=on",
                "-device", Text($"virtio-blk-pci,id=drive,drive=drive0,bus=rp{ports - 1}")]);
        to.AddRange(["-object", "rng-random,id=rng0,filename=/dev/urandom"]);
        to.AddRange(["-device", "virtio-rng-pci,rng=rng0,bus=pcie.0"]);
        to.AddRange(["-device", "pvpanic-pci,bus=pcie.0"]);
        // Last, so that all else is where it was: a guest that was started without it can be taken over by a QEMU with it.
        to.AddRange(["-device", "VGA,id=video0,bus=pcie.0,vgamem_mb=8"]);
    }

    /// <summary>QEMU's options end at a comma; two commas are one.</summary>
    private static string Escape(string text) => text.Replace(",", ",,", StringComparison.Ordinal);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
