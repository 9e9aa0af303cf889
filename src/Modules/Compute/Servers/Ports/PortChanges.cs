using Monolith.Compute.Steps;
using Monolith.Compute.Vms;
using Monolith.Network.Contracts;

namespace Monolith.Compute.Servers.Ports;

/// <summary>
/// How a server's ports come and go. Pure.
/// <code>
///   attaching:  claim it ─▶ tell the vm ─▶ plugged, and announced if it runs ─▶ attached, and in the name
///                 └─ not to be had in time: given up
///   detaching:  tell the vm ─▶ the guest has let go ─▶ released, and out of the name
///   no vm:      its successor is made with what is wanted
/// </code>
/// </summary>
internal static class PortChanges
{
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    /// <summary>What an agent says while the guest's cards are not yet those that are wanted.</summary>
    public const string Underway = "PORTS_CHANGING";

    // An agent that does not change cards under a running guest says that.
    const string RestartNeeded = "RESTART_NEEDED";

    /// <returns>Null: nothing now.</returns>
    public static Next? Decide(ServerRow server, Situation facts)
    {
        var changing = server.Detail.Placed().Where(p => p.Phase != PortPhase.Attached).ToList();
        if (changing.Count == 0) return null;
        if (facts.Vm is not { } vm) return new Next.EndPortChange(changing[0].Index);
        // What is to be removed goes with all its ports.
        if (vm.Power == VmPower.Absent || vm.Incarnation != server.Incarnation) return null;
        var step = server.Steps.Find(StepNames.PortsPlugged) ?? Begun(server.OperationStart);
        var late = facts.Now >= step.Start + Deadline;
        var unclaimed = changing.Where(c => c.Phase == PortPhase.Attaching && Find(facts.Ports, c.Index) is null).ToList();
        if (unclaimed.Count > 0) return late ? new Next.GiveUpPort(unclaimed[0].Index) : new Next.ClaimPorts();
        if (!vm.HasPorts(WantedOf(server.Detail, facts.Ports))) return new Next.TellPorts();
        var heard = IsHeard(vm);
        var done = changing.Where(c => heard && (c.Phase == PortPhase.Detaching || vm.State != VmState.Running
            || Find(facts.Ports, c.Index)!.Announced)).ToList();
        if (done.Count > 0) return new Next.EndPortChange(done[0].Index);
        var steps = server.Steps.With(Waiting(step, vm, changing, facts, heard, late));
        return ReferenceEquals(steps, server.Steps) ? null : new Next.Record(server.State, steps, Settled: false);
    }

    public static IReadOnlyList<PortFacts> WantedOf(ServerDetail detail, IReadOnlyList<PortFacts> ports)
    {
        var wanted = detail.Wanted().Select(p => p.Index).ToHashSet();
        return [.. ports.Where(p => wanted.Contains(p.Index))];
    }

    /// <summary>Of what the server has, all that is said about it: what comes and goes is told by a step of its own.</summary>
    public static IReadOnlyList<PortFacts> AttachedOf(ServerDetail detail, IReadOnlyList<PortFacts> ports)
    {
        if (!detail.IsChanging()) return ports;
        var attached = detail.Placed().Where(p => p.Phase == PortPhase.Attached).Select(p => p.Index).ToHashSet();
        return attached.Count == 0 ? ports : [.. ports.Where(p => attached.Contains(p.Index))];
    }

    public static Step Begun(DateTime now) =>
        new(StepNames.PortsPlugged, StepStatus.Pending, "network", now, now, Deadline: now + Deadline);

    static PortFacts? Find(IReadOnlyList<PortFacts> ports, int index) => ports.FirstOrDefault(p => p.Index == index);

    static bool IsHeard(VmRow vm) => vm.ReportedGeneration >= vm.Generation
        && vm.State is VmState.Running or VmState.Stopped or VmState.Failed
        && vm.Reason is not (Underway or RestartNeeded);

    static Step Waiting(Step step, VmRow vm, List<PlacedChoice> changing, Situation facts, bool heard, bool late)
    {
        var (component, reason, message) = heard
            ? ("network", "NOT_ANNOUNCED", changing.Select(c => Find(facts.Ports, c.Index)?.Failure).FirstOrDefault(f => f is not null)
                ?? "The fabric has not taken the port's routes yet.")
            : ("agent " + vm.Hypervisor, vm.Reason is Underway or RestartNeeded ? vm.Reason : Underway,
                vm.Reason is Underway or RestartNeeded ? vm.Message : "The hypervisor's agent has not changed the guest's cards yet.");
        step = facts.Away(step with { Status = StepStatus.Pending, Component = component, Reason = reason, Message = message },
            "the ports change when it is back");
        return late ? step with { Status = StepStatus.False, Since = facts.Now } : step;
    }
}
