using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Routing;

namespace Monolith.Agent.Reconcile;

/// <summary>
/// Routes as the machine's routing daemon tells them. It gives no notice of changes: it is asked again.
/// </summary>
public sealed class FabricRoutes(IRouting routing, TimeProvider time) : IRoutes
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);
    private string sessions = "";

    public async Task<int> CountPeersAsync(IReadOnlyCollection<IPAddress> addresses, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(Deadline, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            HashSet<string>? all = null;
            foreach (var address in addresses)
            {
                var length = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
                var exports = await routing.ListExportsAsync(new IPNetwork(address, length), both.Token);
                if (all is null) all = [.. exports];
                else all.IntersectWith(exports);
            }

            return all?.Count ?? 0;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"the routing daemon did not answer within {Deadline.TotalSeconds:0} s: check bird");
        }
    }

    public async Task WaitForChangeAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(AskEvery, time, cancellation);
            var sessions = string.Join(
                ' ',
                (await routing.ListSessionsAsync(cancellation)).Where(s => s.Established).Select(s => s.Name).Order());
            if (Interlocked.Exchange(ref this.sessions, sessions) != sessions) return;
        }
    }
}
