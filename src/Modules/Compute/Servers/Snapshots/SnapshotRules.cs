using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;

namespace Monolith.Compute.Servers.Snapshots;

/// <summary>When a server's disk can be copied.</summary>
internal static class SnapshotRules
{
    static readonly TimeSpan DeadlineAtLeast = TimeSpan.FromMinutes(15), DeadlinePerGib = TimeSpan.FromMinutes(1);

    public static TimeSpan DeadlineOf(int diskGib) => DeadlineAtLeast + diskGib * DeadlinePerGib;

    /// <exception cref="Fault">INVALID_ARGUMENT with every violation.</exception>
    public static void Check(SnapshotServerRequest request)
    {
        var violations = new Violations();
        ResourceName.Parse("projects/*/servers/*", request.Name, "name", violations);
        violations.Id("image_id", request.ImageId);
        if (request.Family.Length > 0) violations.Id("family", request.Family);
        violations.DisplayName("display_name", request.DisplayName);
        violations.ThrowIfAny();
    }

    /// <returns>The vm whose disk it is.</returns>
    /// <exception cref="Fault">FAILED_PRECONDITION.</exception>
    public static VmRow Require(ServerRow server, VmRow? vm)
    {
        ServerOperations.RefuseUnlessAlive(server);
        ServerOperations.RefuseWhileMigrating(server);
        Rescuing.RefuseWhileRescued(server);
        RefuseWhileTaken(server);
        if (vm is null || vm.Power == VmPower.Absent || vm.Incarnation != server.Incarnation
            || vm.State is not (VmState.Running or VmState.Stopped))
            throw Fault.Precondition("SERVER_NOT_READY", server.Name,
                $"{server.Name} is {server.State.ToString().ToUpperInvariant()} and has no disk that could be copied now. "
                + "Wait until it is READY or STOPPED.");
        return vm;
    }

    public static void RefuseWhileTaken(ServerRow server)
    {
        if (server.SnapshotImage.Length > 0)
            throw Fault.Precondition("SNAPSHOT_UNDERWAY", server.Name,
                $"{server.SnapshotImage} is being made of the disk of {server.Name}. Wait until it is READY, or delete it.");
    }
}
