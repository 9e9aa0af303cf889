using Grpc.Core;
using Monolith.Platform.Faults;

namespace Monolith.Platform.Nodes;

/// <summary>A stream of a node (sync.proto): what it should hold goes down, what became of it comes up.</summary>
public static class NodeStream
{
    /// <summary>Both directions until one of them ends, and then the other. Their work takes turns with all else that no caller
    /// waits for: when a fleet comes back, calls are served first.</summary>
    /// <param name="what">"vms"</param>
    /// <exception cref="Fault">ABORTED when the node has opened a newer stream.</exception>
    public static async Task RunAsync(string node, string what, Func<CancellationToken, Task> down,
        Func<CancellationToken, Task> up, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var serve = Background.Run(() => down(ended.Token));
        var listen = Background.Run(() => up(ended.Token));
        var first = await Task.WhenAny(serve, listen);
        await ended.CancelAsync();
        await Task.WhenAll(Quiet(serve), Quiet(listen));
        if (first == serve && serve.IsCanceled && !cancel.IsCancellationRequested)
            throw new Fault(StatusCode.Aborted, "STREAM_REPLACED", $"{node} has opened a newer stream of its {what}.");
        await first;
    }

    static async Task Quiet(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
