using System.Net;
using System.Net.Sockets;
using Monolith.Agent.Native.Safe;
using Monolith.Agent.Network.Tap;

namespace Monolith.Agent.Routing;

/// <summary>
/// Routing by BIRD 2: read through its control socket; told through the kernel, whose host routes (protocol 42) and
/// loopback addresses it learns. The agent never edits BIRD's configuration, so either may restart alone.
/// </summary>
/// <param name="controlSocket">Path of BIRD's control socket.</param>
/// <param name="namespacePath">Namespace of the loopback; null is the process's own.</param>
public sealed class BirdRouting(string controlSocket, TimeProvider time,
    string? namespacePath = null) : IRouting, IDisposable
{
    private const string Loopback = "lo";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private readonly NamespaceThread thread = new("routing", namespacePath);

    public Task<IReadOnlyList<BgpSession>> ListSessionsAsync(CancellationToken cancellation) =>
        ConverseAsync(SessionsAsync, cancellation);

    public Task<IReadOnlyList<string>> ListExportsAsync(IPNetwork prefix, CancellationToken cancellation) =>
        ConverseAsync(
            async (bird, deadline) =>
            {
                var names = new List<string>();
                foreach (var session in (await SessionsAsync(bird, deadline)).Where(s => s.Established))
                {
                    var reply = await bird.AskAsync($"show route {prefix} exported {session.Name}", deadline, NotFound);
                    if (BirdTables.HasRoute(reply, prefix.ToString()))
                        names.Add(session.Name);
                }

                return (IReadOnlyList<string>)names;
            },
            cancellation);

    /// <summary>What goes out on each session, and what is heard of these addresses, which are this machine's.</summary>
    internal Task<FabricPaths> ReadPathsAsync(IReadOnlyCollection<IPAddress> addresses, CancellationToken cancellation) =>
        ConverseAsync(
            async (bird, deadline) =>
            {
                var sessions = await SessionsAsync(bird, deadline);
                var exports = new Dictionary<string, IReadOnlySet<IPAddress>>(StringComparer.Ordinal);
                foreach (var session in sessions.Where(s => s.Established))
                {
                    // A machine of the fabric's edge announces its own alone, so that this is short.
                    var reply = await bird.AskAsync($"show route exported {session.Name}", deadline, NotFound);
                    exports[session.Name] = BirdTables.HostRoutes(reply).Select(r => r.Address).ToHashSet();
                }

                var others = new List<OtherOrigin>();
                foreach (var some in addresses.GroupBy(a => a.AddressFamily).SelectMany(f => f.Chunk(MostPrefixes)))
                {
                    var set = string.Join(", ", some.Select(a => $"{a}/{LengthOf(a)}"));
                    var reply = await bird.AskAsync($"show route where source = RTS_BGP && net ~ [ {set} ]", deadline, NotFound);
                    others.AddRange(BirdTables.HostRoutes(reply));
                }

                return new FabricPaths { Sessions = sessions, Exports = exports, Others = others };
            },
            cancellation);

    public Task AnnounceVipAsync(IPAddress address, CancellationToken cancellation) => OnLoopbackAsync(
        (table, index) => table.Add(index, address, LengthOf(address), linkScope: false, Loopback), cancellation);

    public Task WithdrawVipAsync(IPAddress address, CancellationToken cancellation) => OnLoopbackAsync(
        (table, index) => table.Remove(index, address, LengthOf(address), Loopback), cancellation);

    public async Task<IReadOnlyList<IPAddress>> ListLoopbackAsync(CancellationToken cancellation)
    {
        var found = new List<IPAddress>();
        await OnLoopbackAsync(
            (table, index) =>
                found.AddRange(table.List().Where(a => a.Index == index).Select(a => a.Address)), cancellation);
        return found;
    }

    public void Dispose() => thread.Dispose();

    /// <summary>BIRD takes 4,096 bytes for a command, and a prefix of IPv6 is up to 45.</summary>
    private const int MostPrefixes = 80;

    /// <summary>BIRD's code for "Network not found": an answer here, not a fault.</summary>
    private const int NotFound = 8001;

    private static async Task<IReadOnlyList<BgpSession>> SessionsAsync(BirdSocket bird, CancellationToken deadline)
    {
        var protocols = await bird.AskAsync("show protocols all", deadline);
        var bfd = await bird.AskAsync("show bfd sessions", deadline);
        return BirdTables.Sessions(protocols, bfd);
    }

    private async Task<T> ConverseAsync<T>(
        Func<BirdSocket, CancellationToken, Task<T>> talk, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(Deadline, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        try
        {
            using var bird = await BirdSocket.OpenAsync(controlSocket, both.Token);
            return await talk(bird, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"BIRD at {controlSocket} did not answer within {Deadline.TotalSeconds} s");
        }
    }

    private Task OnLoopbackAsync(Action<AddressTable, int> work, CancellationToken cancellation) => thread.RunAsync(
        () =>
        {
            using var netlink = new NetlinkSocket();
            var lo = new LinkTable(netlink).Find(Loopback) ?? throw new IOException("this namespace has no loopback");
            work(new AddressTable(netlink), lo.Index);
        },
        cancellation);

    private static int LengthOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
}
