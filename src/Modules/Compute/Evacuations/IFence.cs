using Monolith.Compute.Hypervisors;

namespace Monolith.Compute.Evacuations;

/// <summary>Makes sure that a machine is off, and stays so until somebody turns it on.</summary>
internal interface IFence
{
    /// <summary>There is a way to make sure; without, an operator's word is all there is.</summary>
    bool IsThere { get; }

    /// <summary>Idempotent.</summary>
    /// <returns>Why it is not certain; null: it is off.</returns>
    Task<string?> TurnOffAsync(HypervisorRow hypervisor, CancellationToken cancel);
}
