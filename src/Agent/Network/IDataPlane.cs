using System.Net;

namespace Monolith.Agent.Network;

/// <summary>
/// The network of this machine's servers: a routed tap with filters for each port. Every method may be repeated, and
/// may be interrupted anywhere and repeated by another process: nothing is remembered but in the kernel.
/// </summary>
/// <remarks>
/// Order for a port: filters, then the tap, then (with carrier) its routes; the reverse for removal. A port is thus
/// never reachable without its filters. Plans given since the start are kept right without being asked again.
/// </remarks>
public interface IDataPlane : IAsyncDisposable
{
    /// <summary>
    /// Makes the machine ready: forwarding, base filters, the metadata address, the watch over carriers.
    /// </summary>
    Task PrepareAsync(CancellationToken cancellation);

    /// <summary>
    /// Makes these address sets have exactly these members. Sets that are not named stay as they are.
    /// </summary>
    /// <exception cref="InvalidPlanException">A plan breaks a rule; nothing was changed.</exception>
    Task EnsureSetsAsync(IReadOnlyCollection<AddressSetPlan> sets, CancellationToken cancellation);

    /// <summary>Removes address sets; one that a rule still names becomes empty and goes with the rule.</summary>
    Task RemoveSetsAsync(IReadOnlyCollection<string> setIds, CancellationToken cancellation);

    /// <summary>Makes the port as planned. A set that its rules name and nobody ensured counts as empty.</summary>
    /// <exception cref="InvalidPlanException">The plan breaks a rule; nothing was changed.</exception>
    /// <exception cref="IOException">The kernel refused; the message says what and why. Repeating
    /// continues.</exception>
    Task EnsurePortAsync(PortPlan plan, CancellationToken cancellation);

    /// <summary>Removes whatever there is of a port, planned or left over; nothing at all is fine.</summary>
    Task RemovePortAsync(string portId, CancellationToken cancellation);

    /// <summary>Removes a tap of ours by name, for one that carries no port's id.</summary>
    Task RemoveTapAsync(string tapName, CancellationToken cancellation);

    /// <summary>What the machine has: every planned port, and every tap of ours that has no plan.</summary>
    Task<IReadOnlyList<PortObservation>> ObserveAsync(CancellationToken cancellation);

    /// <summary>The interface by which the kernel would forward a packet of the port's guest to an address; null: by none, or
    /// there is no such port.</summary>
    Task<string?> WayToAsync(string portId, IPAddress destination, CancellationToken cancellation);

    /// <summary>Hints about changes from now on. A slow reader loses the oldest ones; observe now and then.</summary>
    IAsyncEnumerable<DataPlaneEvent> WatchAsync(CancellationToken cancellation);
}

/// <summary>A plan breaks rules; the message has every violation.</summary>
public sealed class InvalidPlanException(string subject, IReadOnlyList<string> violations)
    : ArgumentException($"{subject}: {string.Join("; ", violations)}")
{
    public IReadOnlyList<string> Violations { get; } = violations;
}
