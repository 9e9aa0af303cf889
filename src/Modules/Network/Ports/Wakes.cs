namespace Monolith.Network.Ports;

/// <summary>
/// Whom a unit's changes concern, gathered while it runs and used after its commit. A unit that runs again clears it.
/// </summary>
internal sealed class Wakes
{
    readonly HashSet<(string Node, string Id)> ports = [];
    readonly HashSet<Guid> sets = [];
    readonly HashSet<string> tidy = new(StringComparer.Ordinal);

    /// <summary>A port of a node changed, came or went.</summary>
    public IReadOnlyCollection<(string Node, string Id)> OfPorts => ports;

    /// <summary>Sets whose members changed, or that rules no longer name.</summary>
    public IReadOnlyCollection<Guid> OfSets => sets;

    /// <summary>Nodes that may hold a set that none of their ports needs any more.</summary>
    public IReadOnlyCollection<string> Tidy => tidy;

    public void Clear()
    {
        ports.Clear();
        sets.Clear();
        tidy.Clear();
    }

    public void Port(PortRow port)
    {
        foreach (var node in NodesOf(port)) ports.Add((node, port.Uid.ToString()));
    }

    /// <summary>The port leaves its node, or some of its groups.</summary>
    public void Left(PortRow port)
    {
        Port(port);
        tidy.UnionWith(NodesOf(port));
    }

    static IEnumerable<string> NodesOf(PortRow port) => new[] { port.Hypervisor, port.SharedWith }
        .Where(name => name.Length > 0).Select(Platform.Names.ResourceName.LastId);

    public void Sets(IEnumerable<Guid> groups) => sets.UnionWith(groups);
}
