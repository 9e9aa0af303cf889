using System.Security.Cryptography;
using System.Text;
using Monolith.Agent.Images;
using Monolith.Agent.Network;
using Monolith.Agent.Network.Metadata;
using Monolith.Agent.V1;
using Monolith.Agent.Vms;
using PlanPort = Monolith.Agent.Vms.VmPort;

namespace Monolith.Agent.Reconcile;

/// <summary>A desired vm in the drivers' words. Pure.</summary>
internal static class VmPlans
{
    /// <exception cref="VmException">The message breaks a rule.</exception>
    public static VmPlan Of(Vm vm, string tapPrefix)
    {
        if (!VmId.IsValid(vm.Id)) throw Invalid(vm, "its id is not 1 to 64 of a-z 0-9 -");
        if (vm.Image is null || !ImageDigest.TryParse("sha256:" + vm.Image.Sha256, null, out var digest))
            throw Invalid(vm, "its image has no valid digest");
        return new VmPlan(
            new VmId(vm.Id),
            (long)Math.Min(vm.Generation, long.MaxValue),
            NameOf(vm),
            vm.Vcpus,
            vm.MemoryMib,
            vm.DiskGib,
            digest,
            vm.Image.Format switch
            {
                "qcow2" => DiskFormat.Qcow2,
                "raw" => DiskFormat.Raw,
                _ => throw Invalid(vm, $"its image's format '{vm.Image.Format}' is neither qcow2 nor raw"),
            },
            [.. vm.Ports.Select(p =>
                new PlanPort(p.MacAddress.ToLowerInvariant(), TapName.Of(p.Id, tapPrefix), p.Mtu > 0 ? p.Mtu : 1500, p.Slot))],
            UuidOf(vm.MachineUuid.Length > 0 ? vm.MachineUuid : vm.Id),
            Rescue: vm.Rescue is null ? null : RescueOf(vm),
            Slots: vm.Slots,
            Drive: DriveOf(vm));
    }

    /// <summary>The network cards that it is to have, in the words of an observation.</summary>
    public static string CardsOf(Vm vm) => VmPlan.CardsOf(vm.Ports.Select((p, i) =>
        new PlanPort(p.MacAddress.ToLowerInvariant(), "", 0, p.Slot > 0 ? p.Slot : i + 1)));

    private static VmRescue RescueOf(Vm vm) => ImageDigest.TryParse("sha256:" + vm.Rescue.Sha256, null, out var digest)
        ? new VmRescue(digest, vm.Rescue.Format == "raw" ? DiskFormat.Raw : DiskFormat.Qcow2)
        : throw Invalid(vm, "the image that it is to be rescued from has no valid digest");

    private static VmDrive? DriveOf(Vm vm) => (vm.Metadata?.Drive ?? default) switch
    {
        VmMetadata.Types.Drive.Unspecified => null,
        VmMetadata.Types.Drive.ConfigDrive => new VmDrive(MetadataDrive.ConfigDrive),
        VmMetadata.Types.Drive.NoCloud => new VmDrive(MetadataDrive.NoCloud),
        var other => throw Invalid(vm, $"its metadata drive {(int)other} is of a kind that this agent does not know: upgrade it"),
    };

    public static MetadataDocument MetadataOf(Vm vm)
    {
        var metadata = vm.Metadata ?? new VmMetadata();
        return new MetadataDocument(
            metadata.InstanceId.Length > 0 ? metadata.InstanceId : vm.Id,
            metadata.DnsName.Length > 0 ? metadata.DnsName.TrimEnd('.') : metadata.Hostname,
            [.. metadata.PublicKeys.Select((key, i) => KeyValuePair.Create(KeyName(key, i), key))],
            metadata.UserData.Memory,
            metadata.AvailabilityZone,
            metadata.Meta,
            metadata.Login is { } login ? new GuestLogin([.. login.Authorities], login.RootPrincipal, login.Principal, login.Revision) : null);
    }

    private static string NameOf(Vm vm)
    {
        var name = vm.Server[(vm.Server.LastIndexOf('/') + 1)..];
        return name.Length > 0 ? name : vm.Id;
    }

    /// <summary>The comment of a key, when it has one that is a word.</summary>
    private static string KeyName(string key, int index)
    {
        var parts = key.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return parts.Length == 3 && parts[2].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@')
            ? parts[2]
            : $"key-{index}";
    }

    private static Guid UuidOf(string id) => Guid.TryParse(id, out var uuid)
        ? uuid
        : new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, 16));

    private static VmException Invalid(Vm vm, string violation) =>
        new(VmFailure.InvalidPlan, $"The server's machine {vm.Id} cannot be made: {violation}.");
}
