using System.Collections.Frozen;
using Monolith.Identity.Contracts;

namespace Monolith.Host.Access;

/// <summary>What a method asks of its caller. Immutable.</summary>
/// <param name="Permission"><c>compute.servers.get</c>; empty when any caller will do, or none is needed.</param>
/// <param name="Public">No caller is needed.</param>
/// <param name="Anywhere">The permission on some scope is enough; the method checks the rest.</param>
internal readonly record struct Requirement(string Permission, bool Public, bool Anywhere)
{
    /// <summary>Whether the audit log is told what comes of a call, and not only that it was refused.</summary>
    public bool IsRecorded { get; init; }

    /// <summary>Of agents: granted by the node's certificate, on no project.</summary>
    public bool IsAgents => Permission.StartsWith("agent.", StringComparison.Ordinal);
}

/// <summary>What every method asks, as the protos declare it (access.proto).</summary>
internal sealed class PermissionMap
{
    readonly FrozenDictionary<string, Requirement> methods = DeclaredMethods.All
        .Where(m => m.Permission.Length > 0)
        .ToFrozenDictionary(m => m.Path, m => (m.Permission switch
        {
            "public" => new Requirement("", Public: true, Anywhere: false),
            "authenticated" => new Requirement("", Public: false, Anywhere: true),
            var permission => new Requirement(permission, Public: false, m.Anywhere),
        }) with
        { IsRecorded = Audited.IsRecorded(m.Path) }, StringComparer.Ordinal);

    /// <param name="method"><c>/monolith.compute.v1.ServerService/GetServer</c></param>
    /// <returns>Null for a method that declares nothing and so cannot be called.</returns>
    public Requirement? Of(string method) => methods.TryGetValue(method, out var requirement) ? requirement
        : method.StartsWith("/grpc.reflection.", StringComparison.Ordinal)
            || method.StartsWith("/grpc.health.", StringComparison.Ordinal)
            ? new Requirement("", Public: true, Anywhere: false)
            : null;
}
