using System.Collections.Concurrent;
using System.Security.Cryptography;
using Monolith.Agent.V1;
using Monolith.Network.Addresses;
using Monolith.Platform.Nodes;

namespace Monolith.Network.Ports;

/// <summary>
/// Asks hypervisors how a port is at this moment. What is asked lives in memory, and for two seconds; a node that has no stream
/// in this process, or does not answer, is one of which only its reports are known.
/// </summary>
internal sealed class PortLooks(TimeProvider time)
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    sealed record Asked(string Node, TaskCompletionSource<PortSight> Sight);

    readonly ConcurrentDictionary<string, Asked> asked = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, NodeWriter<SyncPortsResponse>> streams = new(StringComparer.Ordinal);

    /// <summary>A node's newest stream is the one that it is asked on.</summary>
    public void Open(string node, NodeWriter<SyncPortsResponse> stream) => streams[node] = stream;

    public void Close(string node, NodeWriter<SyncPortsResponse> stream) => streams.TryRemove(new(node, stream));

    /// <returns>Null: nobody answered.</returns>
    public async Task<PortSight?> AskAsync(string node, Guid port, Ip peer, CancellationToken cancel)
    {
        if (!streams.TryGetValue(node, out var stream)) return null;
        var look = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var waiting = new Asked(node, new(TaskCreationOptions.RunContinuationsAsynchronously));
        asked[look] = waiting;
        try
        {
            _ = stream.TryWriteAsync(new SyncPortsResponse
            {
                Look = new() { Id = look, Port = port.ToString(), Peer = peer.ToString() },
            });
            return await waiting.Sight.Task.WaitAsync(Patience, time, cancel);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            asked.TryRemove(look, out _);
        }
    }

    /// <returns>False: nobody waits for it, or it was asked of another node.</returns>
    public bool Tell(string node, string look, PortSight sight) =>
        asked.TryGetValue(look, out var waiting) && waiting.Node == node && waiting.Sight.TrySetResult(sight);
}
