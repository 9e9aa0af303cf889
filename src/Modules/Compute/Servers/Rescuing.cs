using Monolith.Api.V1;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Image.Contracts;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;
using Google.Protobuf.WellKnownTypes;

namespace Monolith.Compute.Servers;

/// <summary>The image that a server boots from instead of its disk. Immutable.</summary>
internal sealed record RescueChoice(string Image, string Sha256, long SizeBytes, string Format, DateTime Since)
{
    public Condition ToCondition() => new()
    {
        Type = "Rescued",
        Status = Condition.Types.Status.True,
        Message = $"It boots from {Image}; its own disk is the second one. Unrescue it when that is repaired.",
        Since = Since.ToTimestamp(),
    };
}

/// <summary>A server that boots from elsewhere: it and its vm change in one transaction.</summary>
internal static class Rescuing
{
    /// <returns>The vm that changed.</returns>
    /// <exception cref="Fault">It cannot be, or not from this image.</exception>
    public static async Task<VmRow> RescueAsync(ServerRow row, ImageFacts image, bool hard, Unit<ComputeDb> unit)
    {
        ServerOperations.RefuseUnlessAlive(row);
        ServerOperations.RefuseWhileMigrating(row);
        PortRequests.RefuseWhileChanging(row);
        RefuseWhileRescued(row);
        var vm = await VmQueries.OfServer(unit.Db, row.Uid);
        if (vm is null || vm.Power == VmPower.Absent || vm.Incarnation != row.Incarnation
            || vm.State is not (VmState.Running or VmState.Stopped or VmState.Failed))
            throw Fault.Precondition("SERVER_NOT_READY", row.Name,
                $"{row.Name} is {row.State.ToString().ToUpperInvariant()} and has no disk that could be repaired now. Wait until "
                + "it is READY, STOPPED or FAILED.");
        Check(row, image);
        row.Detail = row.Detail with
        {
            Rescue = new RescueChoice(image.Name, image.Sha256, image.SizeBytes, image.Format, unit.Now),
        };
        row.RescueSha256 = image.Sha256;
        ServerOperations.Do(row, unit, (server, now) => Boot(server, "rescue", hard, now));
        vm.Rescue(row.Detail.Rescue);
        // With the plan, so that it is booted once.
        vm.Want(VmPower.Running, hard, row.Restarts, unit.Now);
        return vm;
    }

    /// <returns>The vm that changed; null: there is none.</returns>
    /// <exception cref="Fault">It was not rescued.</exception>
    public static async Task<VmRow?> UnrescueAsync(ServerRow row, bool hard, Unit<ComputeDb> unit)
    {
        ServerOperations.RefuseUnlessAlive(row);
        if (row.Detail.Rescue is null)
            throw Fault.Precondition("SERVER_NOT_RESCUED", row.Name, $"{row.Name} boots from its own disk.");
        row.Detail = row.Detail with { Rescue = null };
        row.RescueSha256 = "";
        var vm = await VmQueries.OfServer(unit.Db, row.Uid);
        vm?.Rescue(null);
        if (row.Power != Power.Running) return vm;
        ServerOperations.Do(row, unit, (server, now) => Boot(server, "unrescue", hard, now));
        if (vm is { Power: not VmPower.Absent }) vm.Want(VmPower.Running, hard, row.Restarts, unit.Now);
        return vm;
    }

    public static void RefuseWhileRescued(ServerRow row)
    {
        if (row.Detail.Rescue is { } rescue)
            throw Fault.Precondition("SERVER_RESCUED", row.Name,
                $"{row.Name} boots from {rescue.Image} to be repaired. Unrescue it first.");
    }

    static bool Boot(ServerRow row, string operation, bool hard, DateTime now)
    {
        row.Begin(operation, Server.Types.State.Restarting, now);
        row.Power = Power.Running;
        row.Hard = hard;
        row.Restarts++;
        return true;
    }

    static void Check(ServerRow row, ImageFacts image)
    {
        var violations = new Violations();
        violations.Require(image.Missing.Length == 0, "image", image.Missing);
        violations.Require(!image.Obsolete || image.Name == row.Image, "image", image.Warning);
        violations.Require(row.MemoryMib >= image.MinMemoryMib, "image",
            $"{row.Name} has {row.MemoryMib} MiB of memory, but {image.Name} needs {image.MinMemoryMib} MiB");
        violations.ThrowIfAny();
    }
}
