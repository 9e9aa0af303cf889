using Monolith.Api.V1;
using Monolith.Protos;

namespace Monolith.Cli.Api;

/// <summary>What methods ask of their callers, as the protos declare it.</summary>
internal static class Permissions
{
    /// <summary>In order; without what only nodes can have.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. Descriptors.MakeAll().SelectMany(f => f.Services).SelectMany(s => s.Methods)
            .Select(m => m.GetOptions()?.GetExtension(AccessExtensions.Permission) ?? "")
            .Where(p => p.Contains('.', StringComparison.Ordinal) && !p.StartsWith("agent.", StringComparison.Ordinal))
            // What a method asks for on top of its own.
            .Append("compute.servers.loginAsRoot").Distinct().Order(StringComparer.Ordinal),
    ];
}
