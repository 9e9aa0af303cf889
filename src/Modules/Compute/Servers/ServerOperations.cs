using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Platform.Faults;
using Monolith.Platform.Storage;

namespace Monolith.Compute.Servers;

/// <summary>
/// What a user may ask of a server that is there: each checks that it can be asked now, and writes down what is wanted.
/// The lifecycle does the rest. Each returns false when it is so already, and nothing begins.
/// </summary>
internal static class ServerOperations
{
    public const string Evacuation = "evacuate";

    /// <summary>Asks for it. What was done so far is kept for the waterfall, if something begins.</summary>
    public static void Do(ServerRow row, Unit<ComputeDb> unit, Func<ServerRow, DateTime, bool> operation)
    {
        var before = OperationRow.Of(row);
        if (operation(row, unit.Now)) unit.Db.Operations.Add(before);
    }

    public static bool Start(ServerRow row, DateTime now)
    {
        RefuseUnlessAlive(row);
        // Also one whose guest shut itself down.
        var rests = row.State is Server.Types.State.Failed or Server.Types.State.Stopped;
        if (row.Power == Power.Running && !rests) return false;
        // The agent tries again only when something new is wanted of it.
        if (row.State == Server.Types.State.Failed || row.Power == Power.Running) row.Restarts++;
        row.Begin("start", Server.Types.State.Starting, now);
        row.Power = Power.Running;
        row.Hard = false;
        return true;
    }

    public static bool Stop(ServerRow row, bool hard, DateTime now)
    {
        RefuseUnlessAlive(row);
        // One that is stopped and migrates has nothing that could be stopped harder.
        var rests = row.Hard || !hard || row.Migration is { IsOver: false, Stopped: true };
        if (row.Power == Power.Stopped && rests && row.State != Server.Types.State.Failed) return false;
        row.Begin("stop", Server.Types.State.Stopping, now);
        row.Power = Power.Stopped;
        row.Hard = hard;
        return true;
    }

    public static bool Restart(ServerRow row, bool hard, DateTime now)
    {
        RefuseUnlessAlive(row);
        row.Begin("restart", Server.Types.State.Restarting, now);
        row.Power = Power.Running;
        row.Hard = hard;
        row.Restarts++;
        return true;
    }

    /// <summary>The row has its new size.</summary>
    public static bool Resize(ServerRow row, DateTime now)
    {
        row.Begin("resize", Server.Types.State.Resizing, now);
        row.Hard = false;
        if (row.Power == Power.Running) row.Restarts++;
        return true;
    }

    /// <summary>The row has its new image.</summary>
    public static bool Rebuild(ServerRow row, DateTime now)
    {
        row.Begin("rebuild", Server.Types.State.Rebuilding, now);
        row.Power = Power.Running;
        row.Hard = false;
        row.Incarnation++;
        return true;
    }

    /// <summary>Its hypervisor was given up: it is made anew elsewhere when it is to run.</summary>
    public static bool Evacuate(ServerRow row, DateTime now)
    {
        var from = row.Hypervisor;
        row.Begin(Evacuation, row.Power == Power.Running && row.ExpireTime is null ? Server.Types.State.Rebuilding : row.State, now);
        (row.Hypervisor, row.PortsBoundTo, row.Hard) = ("", "", false);
        row.Incarnation++;
        row.Steps = row.Steps.With(new Step(StepNames.GivenUp, StepStatus.True, "compute", now, now, "HYPERVISOR_LOST",
            $"hypervisors/{from} was lost, and with it the server's disk; it is made anew from {row.Image}."));
        return true;
    }

    /// <param name="force">Whatever the window.</param>
    public static bool Delete(ServerRow row, bool force, DateTime now)
    {
        if (row.Deleting) return false;
        RefuseWhileLocked(row);
        if (row.DeleteProtected)
            throw Fault.Precondition("DELETE_PROTECTED", row.Name,
                $"{row.Name} is protected. Set delete_protected to false first.");
        if (force || row.UndeleteSeconds == 0) return DeleteForGood(row, now);
        if (row.ExpireTime is not null) return false;
        row.Begin("delete", Server.Types.State.SoftDeleted, now);
        row.ExpireTime = now.AddSeconds(row.UndeleteSeconds);
        row.Hard = false;
        return true;
    }

    public static bool DeleteForGood(ServerRow row, DateTime now)
    {
        row.Begin("delete", Server.Types.State.Deleting, now);
        (row.Deleting, row.ExpireTime) = (true, null);
        return true;
    }

    public static bool Undelete(ServerRow row, DateTime now)
    {
        RefuseWhileLocked(row);
        if (row.Deleting || row.ExpireTime is null)
            throw Fault.Precondition("SERVER_NOT_DELETED", row.Name, row.Deleting
                ? $"{row.Name} is being deleted for good. Create a new server."
                : $"{row.Name} was not deleted.");
        row.ExpireTime = null;
        row.Begin("undelete", row.Power == Power.Running ? Server.Types.State.Starting : Server.Types.State.Stopping, now);
        return true;
    }

    public static void RefuseUnlessAlive(ServerRow row)
    {
        if (row.Deleting)
            throw Fault.Precondition("SERVER_DELETING", row.Name, $"{row.Name} is being deleted. Create a new server.");
        if (row.ExpireTime is not null)
            throw Fault.Precondition("SERVER_SOFT_DELETED", row.Name, $"{row.Name} was deleted. Undelete it first.");
        RefuseWhileLocked(row);
    }

    /// <summary>What there are two of cannot be made into something else.</summary>
    public static void RefuseWhileMigrating(ServerRow row)
    {
        if (row.IsMigrating)
            throw Fault.Precondition("SERVER_MIGRATING", row.Name,
                $"{row.Name} is on its way to another hypervisor. Wait until it is there; its migration tells how far it is.");
    }

    static void RefuseWhileLocked(ServerRow row)
    {
        if (row.LockReason.Length > 0)
            throw Fault.Precondition("SERVER_LOCKED", row.Name,
                $"{row.Name} is locked: {row.LockReason}. Empty its lock_reason first.");
    }
}
