using Microsoft.EntityFrameworkCore;
using Monolith.Compute.Servers;
using Monolith.Compute.Servers.Ports;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;
using Monolith.Platform;
using Monolith.Platform.Faults;
using Monolith.Platform.Names;
using Monolith.Platform.Storage;

namespace Monolith.Compute.LiveMigration;

/// <summary>When a server may be migrated, and how that begins.</summary>
internal static class MigrationRules
{
    /// <param name="target">A hypervisor's name; empty: the best other one.</param>
    /// <param name="planned">The id of a hypervisor that it goes to if that has room; empty: any.</param>
    public static void Begin(ServerRow server, Unit<ComputeDb> unit, string target, string planned = "")
    {
        server.Planned = planned;
        unit.Db.Operations.Add(OperationRow.Of(server));
        var stopped = server.State == Server.Types.State.Stopped;
        // What its guest shut down stays so, whoever asks: the vm at the target knows nothing of that guest.
        if (stopped) server.Power = Power.Stopped;
        server.Begin("migrate", server.State, unit.Now);
        server.Migration = new ServerMigration(Chance.NewUid().ToString(), MigrationActs.NewSecret(), server.Hypervisor,
            target.Length == 0 ? "" : ResourceName.LastId(target), Migration.Types.State.Copying, unit.Now, unit.Now,
            unit.Now + MigrationLifecycle.Deadline, Stopped: stopped);
    }

    /// <exception cref="Fault">NOT_FOUND or FAILED_PRECONDITION.</exception>
    public static async Task RequireAsync(ComputeDb db, ServerRow server, string target)
    {
        if (target.Length > 0 && !await db.Hypervisors.AnyAsync(h => h.Name == target)) throw Fault.NotFound(target);
        if (server.IsMigrating)
            throw Fault.Precondition("SERVER_MIGRATING", server.Name,
                $"{server.Name} is migrating already. Wait until it is over, or abort it first.");
        if (server.Deleting || server.State is not (Server.Types.State.Ready or Server.Types.State.Stopped))
            throw Fault.Precondition("SERVER_NOT_READY", server.Name,
                $"{server.Name} is {server.State.ToString().ToUpperInvariant()}: only a READY or STOPPED server can be migrated. "
                + "Wait until it is one of them.");
        if (server.Hypervisor.Length == 0)
            throw Fault.Precondition("SERVER_NOT_READY", server.Name,
                $"{server.Name} is on no hypervisor: it is made anew on one at its next start.");
        Rescuing.RefuseWhileRescued(server);
        PortRequests.RefuseWhileChanging(server);
        if (target == "hypervisors/" + server.Hypervisor)
            throw Fault.Precondition("SAME_HYPERVISOR", server.Name, $"{server.Name} is on {target} already.");
        if (await db.Vms.CountAsync(v => v.ServerUid == server.Uid && v.Role != VmRole.Fenced) > 1)
            throw Fault.Precondition("MIGRATION_NOT_CLEARED", server.Name,
                $"Something may be left of an earlier migration of {server.Name}: it can be migrated again once the agent "
                + "of that hypervisor is connected and has removed it.");
    }
}
