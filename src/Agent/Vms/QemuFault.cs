using Monolith.Agent.Vms.Qmp;

namespace Monolith.Agent.Vms;

/// <summary>Whatever goes wrong under the driver, as the one exception that leaves it. Pure.</summary>
internal static class QemuFault
{
    public static void Check(VmPlan plan)
    {
        var violations = VmPlanRules.Violations(plan);
        if (violations.Count > 0)
            throw new VmException(
                VmFailure.InvalidPlan, $"the plan of VM {plan.Id} is wrong: {string.Join("; ", violations)}");
    }

    public static VmException From(Exception e, VmId id, string step) => e switch
    {
        VmException fault => fault,
        FileNotFoundException => new(VmFailure.NotInstalled, $"{step} of VM {id} failed: {e.Message}", e),
        IOException when e.Message.Contains("No space left", StringComparison.Ordinal) =>
            new(VmFailure.NoSpace, $"{step} of VM {id} failed: the hypervisor's disk is full; free some of it", e),
        TimeoutException or QmpProtocolException or QmpCommandException =>
            new(VmFailure.Unresponsive, $"{step} of VM {id} failed: {e.Message}", e),
        OperationCanceledException => new(VmFailure.Busy, $"{step} of VM {id} was cut short: the agent is stopping", e),
        _ => new(VmFailure.StartFailed, $"{step} of VM {id} failed: {e.Message}", e),
    };
}
