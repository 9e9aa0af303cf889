using System.Reflection;
using Google.Protobuf.Reflection;
using Monolith.Api.V1;

namespace Monolith.Identity.Contracts;

/// <summary>A method of the API and what it asks of its caller. Immutable.</summary>
/// <param name="Permission">As in access.proto; empty when the method declares none.</param>
/// <param name="Anywhere">The method itself checks the scope.</param>
public sealed record DeclaredMethod(MethodDescriptor Method, string Permission, bool Anywhere)
{
    /// <summary><c>/monolith.compute.v1.ServerService/CreateServer</c></summary>
    public string Path { get; } = $"/{Method.Service.FullName}/{Method.Name}";
}

/// <summary>Every method of every proto, read from the descriptors: what is declared there is what is enforced.</summary>
public static class DeclaredMethods
{
    public static IReadOnlyList<DeclaredMethod> All { get; } =
    [
        .. typeof(AccessReflection).Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(t => t.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null))
            .OfType<FileDescriptor>()
            .SelectMany(f => f.Services).SelectMany(s => s.Methods)
            .Select(m => new DeclaredMethod(m, m.GetOptions()?.GetExtension(AccessExtensions.Permission) ?? "",
                m.GetOptions()?.GetExtension(AccessExtensions.Anywhere) ?? false))
            .OrderBy(m => m.Path, StringComparer.Ordinal),
    ];

    /// <summary>Every permission that a method asks for; <c>public</c> and <c>authenticated</c> are none.</summary>
    public static IReadOnlySet<string> Permissions { get; } = All.Select(m => m.Permission)
        .Where(p => p is not ("" or "public" or "authenticated")).ToHashSet(StringComparer.Ordinal);
}
