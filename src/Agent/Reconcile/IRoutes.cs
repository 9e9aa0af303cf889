using System.Net;

namespace Monolith.Agent.Reconcile;

/// <summary>What reconcilers ask of the routing daemon.</summary>
public interface IRoutes
{
    /// <summary>
    /// The number of established BGP sessions that all these addresses are exported to; 0 when any is not.
    /// </summary>
    Task<int> CountPeersAsync(IReadOnlyCollection<IPAddress> addresses, CancellationToken cancellation);

    /// <summary>Ends a wait when sessions or routes changed; a hint.</summary>
    Task WaitForChangeAsync(CancellationToken cancellation);
}
