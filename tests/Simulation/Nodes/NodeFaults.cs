using System.Collections.Concurrent;

namespace Monolith.Simulation.Tests.Nodes;

/// <summary>What of a node's drivers fails, by the name of the method, every time until it is mended.</summary>
internal sealed class NodeFaults
{
    readonly ConcurrentDictionary<string, Func<Exception>> broken = new(StringComparer.Ordinal);

    public void Break(string method, Func<Exception> cause) => broken[method] = cause;

    /// <summary>For what gives an answer and does not fail.</summary>
    public void Silence(string method) => broken[method] = () => new InvalidOperationException(method + " only answers");

    public bool IsBroken(string method) => broken.ContainsKey(method);

    public void Refuse(string method)
    {
        if (broken.TryGetValue(method, out var cause)) throw cause();
    }
}
