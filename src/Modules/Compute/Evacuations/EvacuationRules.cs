using Monolith.Compute.Hypervisors;
using Monolith.Platform.Faults;

namespace Monolith.Compute.Evacuations;

/// <summary>When a hypervisor may be given up, and how that begins and ends.</summary>
internal static class EvacuationRules
{
    /// <param name="isOff">An operator's word.</param>
    /// <exception cref="Fault">FAILED_PRECONDITION.</exception>
    public static void Begin(HypervisorRow row, bool isOff, IFence fence, DateTime now)
    {
        if (row.Up)
            throw Fault.Precondition("HYPERVISOR_CONNECTED", row.Name,
                $"The agent of {row.Name} is connected, so the machine is not dead. Drain it: then its servers keep their disks.");
        if (!isOff && row.FenceTime is null && !fence.IsThere)
            throw Fault.Precondition("NOT_FENCED", row.Name,
                $"Nothing makes sure that {row.Name} is off, and its servers must not run twice. Turn the machine off and say so "
                + "(fenced), or give the host a --fence-command.");
        if (isOff) row.FenceTime ??= now;
        (row.Evacuating, row.Draining, row.Schedulable, row.EvacuationMessage) = (true, false, false, "");
        (row.DrainLeft, row.DrainMessage) = (0, "");
    }

    /// <summary>Nothing, when it is over already.</summary>
    public static void Abort(HypervisorRow row)
    {
        if (row.Evacuating) End(row, "It was aborted. What was given up by then is made anew elsewhere, the rest stays.");
    }

    public static void End(HypervisorRow row, string message) => (row.Evacuating, row.EvacuationMessage) = (false, message);
}
