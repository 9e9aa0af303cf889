using Monolith.Agent.V1;

namespace Monolith.Agent.Reconcile;

/// <summary>What vms ask of the port concern.</summary>
internal interface IPorts
{
    /// <summary>The port is wanted here, and its tap and its filters are in the kernel.</summary>
    bool IsPlugged(string portId);

    /// <summary>Why it is not plugged, where that is known; null: nothing is wrong with it.</summary>
    PortTrouble? TroubleOf(string portId);

    /// <summary>Null when the host has not sent it.</summary>
    PortSpec? Find(string portId);

    /// <summary>Whether the guest behind the port is on this machine, so far as the vm's driver knows.</summary>
    void GuestIs(string portId, bool here);

    /// <summary>Nothing leads to the guest here: it was told of (<see cref="GuestIs"/>), and the kernel has it so.</summary>
    bool IsWithdrawn(string portId);

    /// <summary>A port's state changed. Called by lanes of ports: return soon.</summary>
    event Action<string>? PortChanged;
}

/// <param name="Reason">UPPER_SNAKE_CASE.</param>
/// <param name="Message">For people.</param>
internal sealed record PortTrouble(string Reason, string Message);
