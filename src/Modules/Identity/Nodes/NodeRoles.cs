using Monolith.Identity.Contracts;
using Monolith.Identity.V1;

namespace Monolith.Identity.Nodes;

/// <summary>A node's role in words, as in certificates and in the answer to a join.</summary>
internal static class NodeRoles
{
    public static string Word(NodeRole role) => role switch
    {
        NodeRole.Hypervisor => "hypervisor",
        NodeRole.LoadBalancer => "load-balancer",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, null),
    };

    public static NodeRole Parse(string word) => word switch
    {
        "hypervisor" => NodeRole.Hypervisor,
        "load-balancer" => NodeRole.LoadBalancer,
        _ => NodeRole.Unspecified,
    };

    public static NodeRole Of(NodeKind kind) => kind switch
    {
        NodeKind.Hypervisor => NodeRole.Hypervisor,
        NodeKind.LoadBalancer => NodeRole.LoadBalancer,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
