using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Monolith.Agent.Images;
using Monolith.Disks.Iso;

namespace Monolith.Agent.Vms;

/// <summary>Names one incarnation of a server: 1 to 64 of <c>a-z 0-9 -</c>. It is a directory's name too.</summary>
[JsonConverter(typeof(JsonText))]
public readonly record struct VmId
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    public VmId(string value)
    {
        if (!IsValid(value))
            throw new ArgumentException($"\"{value}\" is not a VM id: 1 to 64 of a-z 0-9 -", nameof(value));
        Value = value;
    }

    public string Value { get; }

    public static bool IsValid(string? value) =>
        value is { Length: >= 1 and <= 64 } && !value.AsSpan().ContainsAnyExcept(Allowed);

    public override string ToString() => Value;

    internal sealed class JsonText : JsonConverter<VmId>
    {
        public override VmId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetString() is { } text && IsValid(text) ? new VmId(text) : throw new JsonException("not a VM id");

        public override void Write(Utf8JsonWriter writer, VmId value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Value);
    }
}

/// <summary>One network card.</summary>
/// <param name="Mac">Six bytes, lower-case hexadecimal, with colons.</param>
/// <param name="Tap">A persistent tap in the agent's network namespace; it exists before the VM starts.</param>
/// <param name="Mtu">Bytes, 576 to 65535. The guest learns it from its card.</param>
/// <param name="Slot">The machine's place that it is in, from 1; 0: its place in the plan, from 1.</param>
public sealed record VmPort(string Mac, string Tap, int Mtu, int Slot = 0);

/// <summary>The machine that QEMU emulates.</summary>
/// <param name="Type">A machine type of QEMU, for example <c>q35</c> or <c>pc-q35-7.2</c>.</param>
/// <param name="Cpu">A CPU model of QEMU. Null: the host's with KVM, all that can be emulated without.</param>
/// <param name="SparePorts">PCI Express root ports kept free for disks and cards plugged at run time, 0 to 16.</param>
public sealed record VmMachine(string Type = "q35", string? Cpu = null, int SparePorts = 4);

/// <summary>A disk to boot from that is made for each start and deleted after it.</summary>
/// <param name="Image">What it starts from.</param>
/// <param name="Format">Its format.</param>
/// <param name="Path">Where the image is on this machine.</param>
public sealed record VmRescue(ImageDigest Image, DiskFormat Format, string Path = "");

/// <summary>
/// A small disk that its guest may only read, made anew for each start. What is on it is not kept with the plan.
/// </summary>
/// <param name="Label">What the guest finds it by.</param>
public sealed record VmDrive(string Label)
{
    [JsonIgnore]
    public IReadOnlyList<IsoFile> Files { get; init; } = [];
}

/// <summary>What one VM shall be. Immutable; compared as a whole by what QEMU would be told.</summary>
/// <param name="Id">Its identity on this hypervisor.</param>
/// <param name="Generation">Of the desired state; echoed by observations once it has been acted on.</param>
/// <param name="Name">The server's name, for people.</param>
/// <param name="Vcpus">1 to 255.</param>
/// <param name="MemoryMib">MiB, 16 or more.</param>
/// <param name="DiskGib">GiB, 1 or more. The root disk; it grows and never shrinks.</param>
/// <param name="Image">What the root disk starts from.</param>
/// <param name="ImageFormat">Its format.</param>
/// <param name="Ports">Network cards in the guest's order.</param>
/// <param name="Uuid">The machine's UUID, seen by the guest in SMBIOS.</param>
/// <param name="ConsoleLogKib">KiB of serial output kept, twice: the current file and the one before. Default
/// 1024.</param>
/// <param name="Machine">Default: <see cref="VmMachine"/>'s defaults.</param>
/// <param name="Rescue">What it boots from instead of its own disk; null: from that.</param>
/// <param name="Slots">Places for devices, the disk's included, while it is not rescued; 0: one for the disk, one for each
/// port, and the machine's spare ones.</param>
/// <param name="Drive">A disk that tells the guest who it is; null: none.</param>
public sealed record VmPlan(
    VmId Id,
    long Generation,
    string Name,
    int Vcpus,
    int MemoryMib,
    int DiskGib,
    ImageDigest Image,
    DiskFormat ImageFormat,
    IReadOnlyList<VmPort> Ports,
    Guid Uuid,
    int ConsoleLogKib = 1024,
    VmMachine? Machine = null,
    VmRescue? Rescue = null,
    int Slots = 0,
    VmDrive? Drive = null)
{
    /// <summary>What a guest has for network cards, and where: <c>MAC@slot</c> each, by slot.</summary>
    [JsonIgnore]
    public string Cards => CardsOf(Placed());

    internal static string CardsOf(IEnumerable<VmPort> placed) => string.Join(
        ' ', placed.OrderBy(p => p.Slot).Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Mac}@{p.Slot}")));

    /// <summary>The ports, each with its slot.</summary>
    internal IReadOnlyList<VmPort> Placed() => [.. Ports.Select((p, i) => p.Slot > 0 ? p : p with { Slot = i + 1 })];
}

/// <summary>What a plan must hold before QEMU is told of it. Pure; gathers every violation.</summary>
internal static class VmPlanRules
{
    private static readonly SearchValues<char> Word =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    public static List<string> Violations(VmPlan plan)
    {
        var found = new List<string>();
        var machine = plan.Machine ?? new VmMachine();
        void Require(bool holds, string otherwise)
        {
            if (!holds) found.Add(otherwise);
        }

        Require(VmId.IsValid(plan.Id.Value), "id is empty");
        Require(
            plan.Name.Length is >= 1 and <= 255 && !plan.Name.Any(char.IsControl), "name is not 1 to 255 characters");
        Require(plan.Vcpus is >= 1 and <= 255, $"vcpus is {plan.Vcpus}, not 1 to 255");
        Require(plan.MemoryMib is >= 16 and <= 16 * 1024 * 1024, $"memory_mib is {plan.MemoryMib}, not 16 to 16777216");
        Require(plan.DiskGib is >= 1 and <= 65536, $"disk_gib is {plan.DiskGib}, not 1 to 65536");
        Require(plan.ConsoleLogKib is >= 4 and <= 65536, $"console_log_kib is {plan.ConsoleLogKib}, not 4 to 65536");
        Require(IsWord(machine.Type), $"machine type \"{machine.Type}\" is not a word");
        Require(machine.Cpu is null || IsWord(machine.Cpu), $"cpu \"{machine.Cpu}\" is not a word");
        Require(machine.SparePorts is >= 0 and <= 16, $"spare ports are {machine.SparePorts}, not 0 to 16");
        Require(plan.Ports.Count <= 8, $"{plan.Ports.Count} ports, more than 8");
        foreach (var port in plan.Ports)
        {
            Require(IsMac(port.Mac), $"mac \"{port.Mac}\" is not six bytes in lower-case hexadecimal with colons");
            Require(port.Tap.Length <= 15 && IsWord(port.Tap), $"tap \"{port.Tap}\" is not an interface name");
            Require(port.Mtu is >= 576 and <= 65535, $"mtu is {port.Mtu}, not 576 to 65535");
        }
        var slots = VmCommandLine.SlotsOf(plan);
        Require(slots <= VmCommandLine.MaxSlots, $"{slots} slots, more than {VmCommandLine.MaxSlots}");
        Require(plan.Placed().All(p => p.Slot >= 1 && p.Slot < slots), $"a port's slot is not 1 to {slots - 1}");
        Require(plan.Placed().DistinctBy(p => p.Slot).Count() == plan.Ports.Count, "two ports have the same slot");
        Require(plan.Ports.DistinctBy(p => p.Mac).Count() == plan.Ports.Count, "two ports have the same mac");
        Require(plan.Ports.DistinctBy(p => p.Tap).Count() == plan.Ports.Count, "two ports have the same tap");
        return found;
    }

    private static bool IsWord(string text) => text.Length is >= 1 and <= 64 && !text.AsSpan().ContainsAnyExcept(Word);

    private static bool IsMac(string text) =>
        text.Length == 17
            && text.Select((c, i) => i % 3 == 2 ? c == ':' : char.IsAsciiHexDigitLower(c)).All(fits => fits);
}
