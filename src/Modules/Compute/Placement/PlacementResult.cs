namespace Monolith.Compute.Placement;

/// <param name="Order">The valid hypervisors, or the best of them, best first.</param>
/// <param name="Rejected">How many each filter rejected, in the order of the filters; each hypervisor is counted at
/// the first filter that rejects it, so that the numbers and the valid ones add up to the fleet.</param>
/// <param name="Remedy">The nearest change that would make room; only when there is none.</param>
internal sealed record PlacementResult(IReadOnlyList<Candidate> Order, IReadOnlyList<(string Filter, int Count)> Rejected,
    Remedy? Remedy = null)
{
    /// <summary>Of a step that waits for a hypervisor.</summary>
    public const string Reason = "NO_VALID_HYPERVISOR";

    /// <summary>Why there is no valid hypervisor, and what would help. For the tenant: it names no hypervisor.</summary>
    public string Explain()
    {
        var fleet = Rejected.Sum(r => r.Count) + Order.Count;
        if (fleet == 0) return "There is no hypervisor in this cloud yet. Join one with `monolith node token`.";
        var reasons = Rejected.Where(r => r.Count > 0).Select(r => $"{r.Count} {r.Filter}");
        var why = $"None of {fleet} hypervisors can take it: {string.Join(", ", reasons)}.";
        return Remedy is null ? why : $"{why} It would fit {Remedy.Words}.";
    }
}
