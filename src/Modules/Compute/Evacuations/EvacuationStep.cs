using System.Globalization;
using Monolith.Agent.V1;
using Monolith.Compute.Servers;
using Monolith.Compute.Steps;
using Monolith.Compute.V1;
using Monolith.Compute.Vms;

namespace Monolith.Compute.Evacuations;

/// <summary>What becomes of the vms of a hypervisor that is off. Pure.</summary>
internal static class EvacuationStep
{
    /// <summary>How long the target of a migration has to say that the guest came to it before the machine went off.</summary>
    public static readonly TimeSpan Arrival = TimeSpan.FromSeconds(30);

    const int Named = 5;

    /// <summary>A guest that has left the machine in its last moment lives, disk and all: that is waited for.</summary>
    /// <param name="incoming">Where a migration takes its server.</param>
    /// <param name="fenced">Since when the machine is off.</param>
    public static bool MayGiveUp(VmRow vm, ServerRow? server, VmRow? incoming, DateTime fenced, DateTime now)
    {
        if (vm.Role != VmRole.Current || server?.Migration is not { IsOver: false } migration) return true;
        if (incoming is null || incoming.Power == VmPower.Absent) return true;
        return incoming.MigrationOf(migration.Id)?.Phase switch
        {
            VmMigration.Types.Phase.Missed => true,
            VmMigration.Types.Phase.Arrived => false,
            _ => now - fenced >= Arrival,
        };
    }

    /// <summary>Its disk is worth more than its running, and it stays with that.</summary>
    public static bool Stays(VmRow vm, ServerRow? server) =>
        vm.Role == VmRole.Current && server is { Deleting: false, Detail.KeepDisk: true };

    /// <param name="left">Vms that are to be given up, and were not yet.</param>
    /// <param name="anew">Servers that were, and are not being deleted.</param>
    /// <param name="staying">Names of servers that stay.</param>
    /// <returns>How far it is, and whether that is the end.</returns>
    public static (bool Over, string Message) Progress(int left, IReadOnlyList<ServerRow> anew, IReadOnlyList<string> staying)
    {
        var open = anew.Count(s => s.Unsettled);
        var over = left == 0 && open == 0;
        var message = over
            ? $"{Number(anew.Count(IsWell))} servers are elsewhere by now."
            : $"{Number(left)} to be given up, {Number(open)} being made anew, {Number(anew.Count(IsWell))} done.";
        if (anew.Count == 0 && over) message = staying.Count == 0 ? "There was nothing on it." : "Nothing was given up.";
        if (staying.Count > 0)
            message += $" {Number(staying.Count)} stay with their disks until the machine is back: "
                + string.Join(", ", staying.Order(StringComparer.Ordinal).Take(Named)) + (staying.Count > Named ? ", …" : "") + ".";
        var stuck = anew.Select(s => (s.Name, Cause: Cause(s))).Where(s => s.Cause.Length > 0)
            .OrderBy(s => s.Name, StringComparer.Ordinal).ToList();
        if (stuck.Count > 0)
            message += $" {stuck.Count} cannot yet: {string.Join("; ", stuck.Take(Named).Select(s => $"{s.Name}: {s.Cause}"))}"
                + (stuck.Count > Named ? "; …" : "");
        return (over, message);
    }

    static string Number(int n) => n.ToString(CultureInfo.InvariantCulture);

    static bool IsWell(ServerRow server) => !server.Unsettled && server.State != Server.Types.State.Failed;

    static string Cause(ServerRow server) =>
        server.Steps.FirstOrDefault(s => s.Status == StepStatus.False || s.Type == StepNames.Placed && s.Reason.Length > 0
            && s.Status == StepStatus.Pending)?.Message ?? "";
}
